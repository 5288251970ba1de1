// The extension module convnet._core: a thin skin over libconvnet.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <vector>

#include "bindings/bindings.h"
#include "core/aligned.h"
#include "core/cuda_library.h"
#include "core/cuda_probe.h"
#include "core/orthogonal.h"
#include "core/thread_pool.h"
#include "cpu/dispatch.h"
#include "cpu/uniform.h"
#include "ops/algorithms.h"
#include "ops/op.h"

namespace py = pybind11;

namespace {

// What all threads of a run reach together in a second; `work(thread)` returns what it has done.
double probe_rate(double seconds, const std::function<double(int)>& work) {
  using Clock = std::chrono::steady_clock;
  const int threads = convnet::num_threads();
  std::vector<double> rates(static_cast<size_t>(threads));
  const std::function<void(int)> body = [&](int thread) {
    const auto start = Clock::now();
    double done = 0, elapsed = 0;
    while (elapsed < seconds) {
      done += work(thread);
      elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    }
    rates[static_cast<size_t>(thread)] = done / elapsed;
  };
  py::gil_scoped_release nogil;
  if (!convnet::ThreadPool::instance().try_run(threads, body)) body(0);
  double total = 0;
  for (double rate : rates) total += rate;
  return total;
}

double probe_peak(double seconds) {
  return probe_rate(seconds, [](int) {
    float sink[3] = {0.999f, 0.001f, 0};
    return static_cast<double>(convnet::kernels().probe(1 << 16, sink));
  });
}

// Each thread copies one half of its memory to the other.
double probe_copy(size_t bytes, double seconds) {
  const size_t half = std::max<size_t>(64, bytes / 2), least = 1 << 16;
  std::vector<convnet::AlignedBytes> memory;
  for (int thread = 0; thread < convnet::num_threads(); ++thread)
    memory.push_back(convnet::aligned_zeros(2 * half));
  return probe_rate(seconds, [&](int thread) {
    std::byte* source = memory[static_cast<size_t>(thread)].get();
    size_t moved = 0;
    for (; moved < least; moved += 2 * half) std::memcpy(source + half, source, half);
    return static_cast<double>(moved);
  });
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "convnet's C++ core: graphs, plans and kernels.";
  py::register_exception<convnet::NoCuda>(m, "NoCuda", PyExc_RuntimeError);
  py::register_exception<convnet::NeedsLanes>(m, "NeedsLanes", PyExc_ValueError);
  m.def("ops", &convnet::op_names, "Names of all ops.");
  m.def("algorithms", &convnet::algorithm_choices,
        "Algorithms that a graph can be made to take, by what they compute.");
  m.def("isa", [] { return std::string(convnet::kernels().isa); }, "The instruction set in use.");
  m.def("available_isas", &convnet::available_isas,
        "Instruction sets this machine supports, best first.");
  m.def("num_threads", &convnet::num_threads, "Threads a run uses.");
  m.def("set_num_threads", &convnet::set_num_threads, py::arg("threads"),
        "Sets the threads a run uses; 0 restores the default.");
  m.def(
      "orthonormal",
      [](const py::array_t<double, py::array::c_style | py::array::forcecast>& matrix) {
        if (matrix.ndim() != 2 || matrix.shape(0) < matrix.shape(1))
          throw py::value_error("expected a matrix that is not wider than high");
        py::array_t<double> columns({matrix.shape(0), matrix.shape(1)});
        std::copy_n(matrix.data(), matrix.size(), columns.mutable_data());
        {
          py::gil_scoped_release nogil;
          convnet::orthonormalize(columns.mutable_data(), matrix.shape(0), matrix.shape(1));
        }
        return columns;
      },
      py::arg("matrix"),
      "The Q of the QR decomposition of a float64 matrix with a positive diagonal of R.");
  m.def(
      "fill_uniform",
      [](py::array_t<float, py::array::c_style>& numbers, const std::array<uint64_t, 2>& key,
         float scale, float offset) {
        float* data = numbers.mutable_data();
        const int64_t size = numbers.size();
        py::gil_scoped_release nogil;
        convnet::fill_uniform(data, size, {key[0], key[1]}, scale, offset);
      },
      py::arg("numbers").noconvert(), py::arg("key"), py::arg("scale"), py::arg("offset"),
      "Fills a float32 array with `scale * u + offset`, u in [0, 1) the draw of this key.");
  m.def(
      "aligned_zeros",
      [](size_t size) {
        auto* memory = new convnet::AlignedBytes(convnet::aligned_zeros(size * sizeof(float)));
        py::capsule owner(memory, [](void* p) { delete static_cast<convnet::AlignedBytes*>(p); });
        return py::array_t<float>(static_cast<py::ssize_t>(size),
                                  reinterpret_cast<float*>(memory->get()), owner);
      },
      py::arg("size"), "A float32 array of zeros on a 64-byte boundary.");
  m.def("probe_peak", &probe_peak, py::arg("seconds") = 0.2,
        "Peak FLOP/s of multiply-adds on the threads a run uses.");
  m.def("probe_copy", &probe_copy, py::arg("bytes"), py::arg("seconds") = 0.05,
        "Bytes a second, read and written, that the threads of a run copy together, each within "
        "`bytes` of its own.");
  m.def("allocations", &convnet::allocations, "Memory blocks the core has allocated so far.");
  m.def("set_cuda_library", &convnet::set_cuda_library, py::arg("path"),
        "Names the file that is opened when a GPU is first asked for.");
  m.def("check_gpu", &convnet::check_gpu, py::arg("gpu"),
        "Raises `NoCuda` unless there is a GPU of this number, and says what is missing.");
  m.def(
      "cuda_devices",
      [] {
        const convnet::cuda::Backend& backend = convnet::cuda_backend();
        py::list devices;
        for (int i = 0; i < backend.devices(); ++i) {
          convnet::cuda::Device device{};
          convnet::check(backend.describe(i, &device));
          py::dict description;
          description["name"] = std::string(device.name);
          description["memory"] = device.memory;
          description["free"] = device.free;
          description["compute_capability"] = py::make_tuple(device.major, device.minor);
          devices.append(description);
        }
        return devices;
      },
      "The GPUs: name, bytes of memory in all and free, compute capability. Raises `NoCuda` where "
      "there are none, and says what is missing.");
  m.def(
      "probe_gpu",
      [](int device, size_t bytes) {
        const convnet::GpuRates rates = convnet::probe_gpu(device, bytes);
        return py::make_tuple(rates.flops, rates.bytes);
      },
      py::arg("device") = 0, py::arg("bytes") = size_t{1} << 30,
      "Peak FLOP/s of single-precision multiply-adds on a GPU, and the bytes a second that a copy "
      "of so many reads and writes.");
  m.def(
      "cuda_info",
      [] {
        const convnet::cuda::Backend& backend = convnet::cuda_backend();
        py::dict info;
        info["kind"] = std::string(backend.kind);
        info["library"] = convnet::cuda_library();
        info["driver"] = backend.driver;
        info["runtime"] = backend.runtime;
        return info;
      },
      "The GPU library: its kind and file, versions of driver and runtime as CUDA counts them. "
      "Raises `NoCuda` where there is no GPU, and says what is missing.");
  convnet::bindings::bind_graph(m);
  convnet::bindings::bind_device_array(m);
  convnet::bindings::bind_plan(m);
}
