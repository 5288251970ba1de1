// What the longer rows of ops/binary_list.inc call.
#pragma once

#include "cpu/simd/math.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE Vec one_where(Mask m) { return keep(m, set1(1.0f)); }

CONVNET_INLINE Vec maximum(Vec a, Vec b) { return select(a != a, a, max(a, b)); }
CONVNET_INLINE Vec minimum(Vec a, Vec b) { return select(a != a, a, min(a, b)); }

// a - b * floor(a / b), exact while the quotient is below 2^24; the result has the sign of b.
struct Division {
  Vec quotient, remainder;
};
CONVNET_INLINE Division divide_down(Vec a, Vec b) {
  const Vec q = floor(a / b), r = select(q == 0.0f, a, fnma(q, b, a));
  // A quotient that was rounded up to a whole number leaves a remainder of the wrong sign.
  const Mask wrong = (r != 0.0f) & (copy_sign(set1(1.0f), r) != copy_sign(set1(1.0f), b));
  return {select(wrong, q - 1.0f, q), select(wrong, r + b, r)};
}
CONVNET_INLINE Vec floor_divide(Vec a, Vec b) {
  return select(b == 0.0f, a / b, divide_down(a, b).quotient);
}
CONVNET_INLINE Vec mod(Vec a, Vec b) {
  return select(b == 0.0f, a / b - a / b, divide_down(a, b).remainder);
}

CONVNET_INLINE Vec power_gradient(Vec a, Vec b, Vec dy) {
  return keep(b != 0.0f, dy * b * pow(a, b - 1.0f));
}
CONVNET_INLINE Vec exponent_gradient(Vec a, Vec b, Vec dy) {
  return keep(a > 0.0f, dy * pow(a, b) * log(a));
}

}  // namespace convnet::CONVNET_ISA
