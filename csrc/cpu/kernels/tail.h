// The last elements of a row, fewer than a vector holds.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

// p[0 .. n), zeros beyond.
CONVNET_INLINE Vec load_some(const float* p, int64_t n) {
  if (n >= kWidth) return load(p);
  return load_first(p, n);
}

CONVNET_INLINE void store_some(float* p, int64_t n, Vec x) {
  if (n >= kWidth) return store(p, x);
  store_first(p, n, x);
}

}  // namespace convnet::CONVNET_ISA
