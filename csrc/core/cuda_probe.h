#pragma once

#include <cstddef>

namespace convnet {

// What a GPU reaches at best of a few tries: FLOPs of multiply-adds, and bytes that a copy reads
// and writes, a second.
struct GpuRates {
  double flops, bytes;
};

// `bytes` are copied.
GpuRates probe_gpu(int device, size_t bytes);

}  // namespace convnet
