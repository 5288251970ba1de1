// Arrays on the GPU for Python, and the two protocols by which other libraries share theirs:
// `__cuda_array_interface__` (version 3) and DLPack.
#include "bindings/device_array.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <optional>

#include "bindings/bindings.h"
#include "bindings/dlpack.h"
#include "core/weights_version.h"

namespace py = pybind11;

namespace convnet::bindings {

namespace {

struct TypeNames {
  FeedType type;
  const char* numpy;
  dlpack::Code code;
};
constexpr std::array<TypeNames, 11> kTypes{{{FeedType::f32, "<f4", dlpack::real},
                                            {FeedType::f64, "<f8", dlpack::real},
                                            {FeedType::u8, "|u1", dlpack::unsigned_integer},
                                            {FeedType::i8, "|i1", dlpack::signed_integer},
                                            {FeedType::i16, "<i2", dlpack::signed_integer},
                                            {FeedType::u16, "<u2", dlpack::unsigned_integer},
                                            {FeedType::i32, "<i4", dlpack::signed_integer},
                                            {FeedType::u32, "<u4", dlpack::unsigned_integer},
                                            {FeedType::i64, "<i8", dlpack::signed_integer},
                                            {FeedType::u64, "<u8", dlpack::unsigned_integer},
                                            {FeedType::boolean, "|b1", dlpack::boolean}}};

const TypeNames& names_of(FeedType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(),
                       [&](const TypeNames& names) { return names.type == type; });
}
py::dtype dtype_of(const DeviceArray& array) { return py::dtype(names_of(array.type).numpy); }

// Other libraries may let go of their memory, and of ours, on any thread.
std::shared_ptr<const void> owner_of(py::object object) {
  return {new py::object(std::move(object)), [](const py::object* owner) {
            py::gil_scoped_acquire gil;
            delete owner;
          }};
}

// Throws unless elements lie one after the other; strides and `element` in the same unit.
template <class Strides>
void check_contiguous(const Dims& shape, const Strides& strides, int64_t element) {
  for (size_t i = shape.size(); i-- > 0; element *= shape[i])
    if (shape[i] > 1 && strides[i] != element)
      throw py::value_error(
          "An array on the GPU must be contiguous to be taken: make a contiguous copy first.");
}

int gpu_of(const void* data) {
  const int gpu = cuda_backend().device_of(data);
  if (gpu < 0) throw py::value_error("The array's memory is on no GPU.");
  return gpu;
}

// What was launched into a stream of another library is done.
void wait_for(intptr_t stream, int gpu) {
  const OnGpu on(gpu);
  check(cuda_backend().synchronize(reinterpret_cast<cuda::Stream>(stream)));
}

DeviceArray from_interface(const py::object& object) {
  const auto interface = object.attr("__cuda_array_interface__").cast<py::dict>();
  if (interface.contains("mask") && !interface["mask"].is_none())
    throw py::value_error("An array on the GPU must have no mask to be taken.");
  DeviceArray array;
  array.type = feed_type(py::dtype::from_args(interface["typestr"]));
  array.shape = interface["shape"].cast<Dims>();
  if (interface.contains("strides") && !interface["strides"].is_none())
    check_contiguous(array.shape, interface["strides"].cast<Dims>(),
                     static_cast<int64_t>(bytes_of(array.type)));
  array.data = reinterpret_cast<char*>(interface["data"].cast<py::tuple>()[0].cast<uintptr_t>());
  if (numel(array.shape)) array.gpu = gpu_of(array.data);
  if (interface.contains("stream") && !interface["stream"].is_none())
    wait_for(interface["stream"].cast<intptr_t>(), array.gpu);
  array.owner = owner_of(object);
  return array;
}

constexpr intptr_t kLegacyStream = 1;

DeviceArray from_dlpack(const py::object& object) {
  auto capsule = object.attr("__dlpack__")(py::arg("stream") = kLegacyStream).cast<py::capsule>();
  auto* managed =
      static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), dlpack::kName));
  if (!managed) throw py::error_already_set();
  const dlpack::Tensor& tensor = managed->tensor;
  DeviceArray array;
  array.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  if (tensor.strides) check_contiguous(array.shape, tensor.strides, 1);
  const auto* names = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeNames& known) {
    return known.code == tensor.dtype.code && bytes_of(known.type) * 8 == tensor.dtype.bits;
  });
  if (names == kTypes.end() || tensor.dtype.lanes != 1)
    throw py::type_error("An array of this type on the GPU cannot be taken.");
  array.type = names->type;
  array.data = static_cast<char*>(tensor.data) + tensor.byte_offset;
  array.gpu = tensor.device.id;
  wait_for(kLegacyStream, array.gpu);
  PyCapsule_SetName(capsule.ptr(), dlpack::kUsedName);
  array.owner = {managed, [](const dlpack::ManagedTensor* taken) {
                   py::gil_scoped_acquire gil;
                   auto* self = const_cast<dlpack::ManagedTensor*>(taken);
                   if (self->deleter) self->deleter(self);
                 }};
  return array;
}

bool offers_memory(const py::object& object) {
  if (py::isinstance<py::array>(object)) return false;
  if (py::hasattr(object, "__cuda_array_interface__")) return true;
  if (!py::hasattr(object, "__dlpack_device__")) return false;
  return object.attr("__dlpack_device__")().cast<py::tuple>()[0].cast<int32_t>() == dlpack::kCuda;
}

DeviceArray make(const py::object& object, int gpu) {
  if (py::isinstance<DeviceArray>(object)) return object.cast<DeviceArray>();
  if (offers_memory(object))
    return py::hasattr(object, "__cuda_array_interface__") ? from_interface(object)
                                                           : from_dlpack(object);
  const auto host = py::array::ensure(object, py::array::c_style);
  if (!host) throw py::error_already_set();
  DeviceArray array =
      device_array(Dims(host.shape(), host.shape() + host.ndim()), feed_type(host.dtype()), gpu);
  py::gil_scoped_release nogil;
  upload(array, host.data());
  return array;
}

py::array to_host(const DeviceArray& array) {
  py::array host(dtype_of(array), array.shape);
  void* data = host.mutable_data();
  py::gil_scoped_release nogil;
  download(array, data);
  return host;
}

DeviceArray rows(const DeviceArray& array, const py::slice& slice) {
  py::ssize_t begin, end, step, count;
  if (array.shape.empty()) throw py::index_error("an array without axes has no rows");
  if (!slice.compute(array.shape[0], &begin, &end, &step, &count)) throw py::error_already_set();
  if (step != 1) throw py::index_error("rows of an array on the GPU must follow each other");
  DeviceArray part = array;
  if (const int64_t all = array.shape[0])
    part.data += static_cast<int64_t>(array.bytes()) / all * begin;
  part.shape[0] = count;
  return part;
}

py::dict interface(const DeviceArray& array) {
  py::dict result;
  result["shape"] = to_tuple(array.shape);
  result["typestr"] = names_of(array.type).numpy;
  result["data"] = py::make_tuple(reinterpret_cast<uintptr_t>(array.data), false);
  result["strides"] = py::none();
  result["stream"] = py::none();  // all work on it is done
  result["version"] = 3;
  return result;
}

struct Exported {
  dlpack::ManagedTensor managed;
  DeviceArray array;
};

py::capsule to_dlpack(const DeviceArray& array, const py::object&, const py::object&,
                      const py::object& device, const py::object& copy) {
  const auto own = py::make_tuple(dlpack::kCuda, array.gpu);
  if ((!device.is_none() && !device.equal(own)) || (!copy.is_none() && copy.cast<bool>()))
    throw py::buffer_error("an array on the GPU is shared as it is, where it is");
  auto* made = new Exported{{}, array};
  const TypeNames& names = names_of(array.type);
  const auto bits = static_cast<uint8_t>(bytes_of(array.type) * 8);
  made->managed.tensor = {array.data,
                          {dlpack::kCuda, array.gpu},
                          static_cast<int32_t>(array.shape.size()),
                          {names.code, bits, 1},
                          made->array.shape.data(),
                          nullptr,
                          0};
  made->managed.context = made;
  made->managed.deleter = [](dlpack::ManagedTensor* self) {
    delete static_cast<Exported*>(self->context);
  };
  return py::capsule(&made->managed, dlpack::kName, [](PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, dlpack::kName)) return;  // somebody has taken it
    auto* left = static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule, dlpack::kName));
    left->deleter(left);
  });
}

HostRange range_of(const py::array& array) {
  return {static_cast<char*>(const_cast<void*>(array.data())), static_cast<size_t>(array.nbytes())};
}

// The copy of an array that plans on a GPU are bound to.
DeviceArray resident(const py::array& array, int gpu) {
  struct Owner {
    py::object host;
    std::shared_ptr<Mirror> mirror;  // goes first
  };
  check_gpu(gpu);
  auto mirror = mirror_of(block_of(array), gpu);
  mirror->refresh();
  char* data = mirror->at(array.data());
  std::shared_ptr<const void> owner(new Owner{array, std::move(mirror)}, [](const Owner* owner) {
    py::gil_scoped_acquire gil;
    delete owner;
  });
  return {std::move(owner), data, Dims(array.shape(), array.shape() + array.ndim()),
          feed_type(array.dtype()), gpu};
}

}  // namespace

FeedType feed_type(const py::dtype& dtype) {
  static constexpr FeedType kUnsigned[] = {FeedType::u8, FeedType::u16, FeedType::u32,
                                           FeedType::u64};
  static constexpr FeedType kSigned[] = {FeedType::i8, FeedType::i16, FeedType::i32, FeedType::i64};
  const auto size = dtype.itemsize();
  const int power = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
  switch (dtype.kind()) {
    case 'f':
      if (size == 4) return FeedType::f32;
      if (size == 8) return FeedType::f64;
      break;
    case 'b':
      return FeedType::boolean;
    case 'u':
      return kUnsigned[power];
    case 'i':
      return kSigned[power];
  }
  throw py::type_error("arrays of dtype " + py::str(dtype).cast<std::string>() + " cannot be fed");
}

HostRange block_of(const py::array& array) {
  py::array whole = array;
  while (whole.base() && py::isinstance<py::array>(whole.base()))
    whole = py::reinterpret_borrow<py::array>(whole.base());
  return range_of(whole);
}

void bind_device_array(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray", R"(An array in the memory of a GPU.

`fit`, `evaluate` and `predict` take such arrays where the model runs on that GPU, and `predict`
then returns them. Other libraries share its memory by `__dlpack__` or
`__cuda_array_interface__`, as in `torch.from_dlpack(array)`.

Args:
    x: What offers memory on a GPU by one of these protocols, such as a CUDA tensor of PyTorch or an
        array of CuPy, which is shared if it is contiguous; any other array is copied.
    gpu: Number of the GPU to copy to.
)")
      .def(py::init(&make), py::arg("x"), py::arg("gpu") = 0)
      .def_static("is_offered", &offers_memory, py::arg("x"),
                  "Whether an object offers memory on a GPU.")
      .def_property_readonly("shape", [](const DeviceArray& a) { return to_tuple(a.shape); })
      .def_property_readonly("ndim", [](const DeviceArray& a) { return a.shape.size(); })
      .def_property_readonly("dtype", &dtype_of)
      .def_property_readonly("nbytes", &DeviceArray::bytes)
      .def_readonly("gpu", &DeviceArray::gpu, "Number of the GPU.")
      .def("numpy", &to_host, "A copy on the host.")
      .def(
          "__array__",
          [](const DeviceArray& a, const py::object& dtype, const py::object&) -> py::object {
            const py::array host = to_host(a);
            return dtype.is_none() ? py::object(host) : host.attr("astype")(dtype);
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def("__len__",
           [](const DeviceArray& a) {
             if (a.shape.empty()) throw py::type_error("len() of an array without axes");
             return a.shape[0];
           })
      .def("__getitem__", &rows, py::arg("rows"), "Rows that follow each other, not copied.")
      .def("__repr__",
           [](const DeviceArray& a) {
             return "<DeviceArray shape=" + to_string(a.shape) +
                    ", dtype=" + py::str(dtype_of(a)).cast<std::string>() +
                    ", gpu=" + std::to_string(a.gpu) + ">";
           })
      .def_property_readonly("__cuda_array_interface__", &interface)
      .def("__dlpack__", &to_dlpack, py::kw_only(), py::arg("stream") = py::none(),
           py::arg("max_version") = py::none(), py::arg("dl_device") = py::none(),
           py::arg("copy") = py::none())
      .def("__dlpack_device__",
           [](const DeviceArray& a) { return py::make_tuple(dlpack::kCuda, a.gpu); })
      .attr("__module__") = "convnet";
  m.def("resident", &resident, py::arg("array"), py::arg("gpu"),
        "The copy on a GPU of memory that plans are bound to, up to date.");
  m.def(
      "fetch",
      [](const py::array& array, bool to_write) {
        if (!mirrors_exist()) return;
        const HostRange range = range_of(array);
        py::gil_scoped_release nogil;
        fetch(range, to_write);
      },
      py::arg("array"), py::arg("to_write") = false,
      "To be called before the host reads, or writes, memory that plans are bound to as resident: "
      "brings back what GPUs have changed.");
  m.def(
      "weights_changed",
      [](const std::optional<py::array>& array) {
        if (array) host_has_written(range_of(*array));
        weights_changed();
      },
      py::arg("array") = py::none(),
      "To be called after memory that plans are bound to was written; `array`: that memory, where "
      "plans are bound to it as resident.");
}

}  // namespace convnet::bindings
