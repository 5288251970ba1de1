// Small integer helpers of the kernels. Not from the standard library: its inline functions would
// be compiled with this instruction set and could be linked in everywhere.
#pragma once

#include <cstdint>

#include "cpu/kernel.h"
#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
CONVNET_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
CONVNET_INLINE int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Start of piece `i` of `n` things cut into `pieces` nearly equal pieces.
CONVNET_INLINE int64_t cut(int64_t n, int64_t pieces, int64_t i) { return n * i / pieces; }

// Ones in the lanes of live samples, from lane `first` on.
CONVNET_INLINE Mask live_mask(int64_t live, int64_t first) {
  const int64_t n = live - first;
  return mask_of(n >= kWidth ? 0xffffffffu : n <= 0 ? 0u : (1u << n) - 1u);
}

}  // namespace convnet::CONVNET_ISA
