// What the GPU reaches at best, against which kernels are measured.
#pragma once

#include <cstdint>

#include "cuda/backend.h"

namespace convnet::cuda {

// Multiply-adds of independent chains in registers, `turns` of each; one result a thread.
void probe_multiply_add(float* out, int turns, Stream stream);
// Copies n floats, a multiple of four.
void probe_copy(const float* from, float* to, int64_t n, Stream stream);

}  // namespace convnet::cuda
