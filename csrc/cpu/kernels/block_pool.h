// A 2x2 block of results, pooled in registers.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// The largest of a block, and one bit a sample for the winner's row and column (the first in
// row-major order among equals).
CONVNET_INLINE Vec winner(Vec a, Vec b, Vec c, Vec d, uint32_t& row, uint32_t& column) {
  const Mask top = b > a, bottom = d > c;
  const Vec x = max(b, a), y = max(d, c);
  const Mask low = y > x;
  row = bits(low);
  column = bits((low & bottom) | (~low & top));
  return max(y, x);
}

CONVNET_INLINE Vec average(Vec a, Vec b, Vec c, Vec d) { return ((a + b) + (c + d)) * 0.25f; }

}  // namespace convnet::CONVNET_ISA
