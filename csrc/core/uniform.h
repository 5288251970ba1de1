// Uniform random numbers for initializers: those of NumPy's Generator(Philox(key)), drawn by all
// threads.
#pragma once

#include <cstdint>

namespace convnet {

// out[i] = scale u[i] + offset, u = Generator(Philox(key)).random(n, dtype=float32).
void fill_uniform(float* out, int64_t n, const uint64_t (&key)[2], float scale, float offset);

}  // namespace convnet
