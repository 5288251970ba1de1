// The last elements of a row, fewer than a vector holds.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

// p[0 .. n), zeros beyond.
CONVNET_INLINE Vec load_some(const float* p, int64_t n) {
  if (n >= kWidth) return load(p);
  float all[kWidth] = {};
  for (int64_t i = 0; i < n; ++i) all[i] = p[i];
  return load(all);
}

CONVNET_INLINE void store_some(float* p, int64_t n, Vec x) {
  if (n >= kWidth) return store(p, x);
  float all[kWidth];
  store(all, x);
  for (int64_t i = 0; i < n; ++i) p[i] = all[i];
}

}  // namespace convnet::CONVNET_ISA
