// Uniform random numbers for initializers, drawn by all threads.
#pragma once

#include <cstdint>

namespace convnet {

// out[i] = scale u[i] + offset, where u are in [0, 1), multiples of 2^-24, and those of Philox with
// this key: see cpu/kernels/uniform.cpp.
void fill_uniform(float* out, int64_t n, const uint64_t (&key)[2], float scale, float offset);

}  // namespace convnet
