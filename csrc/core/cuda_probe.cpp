#include "core/cuda_probe.h"

#include <algorithm>
#include <chrono>

#include "core/cuda_library.h"

namespace convnet {

namespace {

constexpr int kTries = 5;
constexpr int kTurnsOfDevice = 4096, kTurnsOfEmulation = 4;

// Work a second, of a try that does so much.
template <class Launch>
double best_rate(double work, cuda::Stream stream, Launch launch) {
  using Clock = std::chrono::steady_clock;
  const cuda::Backend& backend = cuda_backend();
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    const auto start = Clock::now();
    launch();
    check(backend.synchronize(stream));
    best = std::max(best, work / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

GpuRates probe_gpu(int device, size_t bytes) {
  const cuda::Backend& backend = cuda_backend();
  const OnGpu on(device);
  const auto floats = static_cast<int64_t>(bytes / sizeof(float)) / 4 * 4;
  const DeviceMemory from(std::max(bytes, cuda::kProbeThreads * sizeof(float))), to(bytes);
  const auto x = reinterpret_cast<float*>(from.get());
  const int turns = backend.runtime ? kTurnsOfDevice : kTurnsOfEmulation;
  cuda::Stream stream = nullptr;
  check(backend.create_stream(&stream));
  GpuRates rates{};
  rates.flops = best_rate(2.0 * cuda::kProbeThreads * cuda::kProbeChains * turns, stream,
                          [&] { backend.probe_multiply_add(x, turns, stream); });
  rates.bytes = best_rate(2.0 * sizeof(float) * static_cast<double>(floats), stream, [&] {
    backend.probe_copy(x, reinterpret_cast<float*>(to.get()), floats, stream);
  });
  backend.destroy_stream(stream);
  return rates;
}

}  // namespace convnet
