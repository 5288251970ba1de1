// Elementary functions in vectors. Errors over the whole range, against double precision: exp 1 ulp, log 1.5 ulp, sigmoid 2.5 ulp,
// tanh 1.5 ulp. Polynomials after Cephes (Moshier).
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE Vec poly(Vec, Vec c) { return c; }
// Horner's scheme: coefficients from the highest power down.
template <class... Rest>
CONVNET_INLINE Vec poly(Vec x, Vec c, float next, Rest... rest) {
  return poly(x, fma(c, x, set1(next)), rest...);
}

// Results below the smallest normal number are flushed to zero; above the largest they are infinite; NaN stays NaN.
CONVNET_INLINE Vec exp(Vec x) {
  const Vec top = set1(88.72284f), bottom = set1(-87.33655f);
  const Vec inside = max(min(x, top), bottom);
  const Vec n = round(inside * set1(1.44269504f));
  Vec r = fnma(n, set1(0.693145752f), inside);
  r = fnma(n, set1(1.42860677e-6f), r);
  Vec y = poly(r, set1(1.9875691500e-4f), 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f);
  y = fma(y, r * r, r) + set1(1.0f);
  y = scale(y, n);
  y = select(x > top, set1(__builtin_inff()), y);
  y = keep(~(x < bottom), y);
  return select(x != x, x, y);
}

CONVNET_INLINE Vec log(Vec x) {
  Vec m = mantissa(x), e = exponent(x);
  const Mask high = m > set1(1.41421356f);
  m = select(high, m * set1(0.5f), m);
  e = select(high, e + set1(1.0f), e);
  const Vec r = m - set1(1.0f), z = r * r;
  Vec y = poly(r, set1(7.0376836292e-2f), -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
               2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  y = y * r * z;
  y = fma(e, set1(-2.12194440e-4f), y);
  y = fnma(set1(0.5f), z, y);
  y = fma(e, set1(0.693359375f), r + y);
  y = select(x == set1(__builtin_inff()), x, y);
  y = select(x < set1(1.17549435e-38f), set1(-__builtin_inff()), y);
  return select(~(x >= zero()), set1(__builtin_nanf("")), y);
}

CONVNET_INLINE Vec sigmoid(Vec x) {
  return set1(1.0f) / (set1(1.0f) + exp(zero() - x));
}

CONVNET_INLINE Vec tanh(Vec x) {
  const Vec a = abs(x), z = x * x;
  const Vec small = fma(poly(z, set1(-5.70498872745e-3f), 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f) * z, x, x);
  const Vec e = exp(min(a + a, set1(40.0f)));
  const Vec big = set1(1.0f) - set1(2.0f) / (e + set1(1.0f));
  const Vec y = select(a < set1(0.625f), small, copy_sign(big, x));
  return select(x != x, x, y);
}

}  // namespace convnet::CONVNET_ISA
