// Elementary functions in vectors. Errors over the whole range, against double precision: exp and
// log 1 ulp; expm1, log1p, tanh and erf 1.5 ulp; sigmoid 2.5 ulp; sin and cos 1e-7 absolute
// (tests/ops/test_math.py). Polynomials after Cephes (Moshier) where nothing else is said.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE Vec poly(Vec, Vec c) { return c; }
// Horner's scheme: coefficients from the highest power down.
template <class... Rest>
CONVNET_INLINE Vec poly(Vec x, Vec c, float next, Rest... rest) {
  return poly(x, fma(c, x, set1(next)), rest...);
}

// p with exp(x) = 2^n * (1 + p) for n = round(x / log 2).
CONVNET_INLINE Vec exp_fraction(Vec x, Vec n) {
  Vec r = fnma(n, set1(0.693145752f), x);
  r = fnma(n, set1(1.42860677e-6f), r);
  const Vec q = poly(r, set1(1.9875691500e-4f), 1.3981999507e-3f, 8.3334519073e-3f,
                     4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f);
  return fma(q, r * r, r);
}

// exp between -87.33 and 88.72, and of NaN.
CONVNET_INLINE Vec exp_inside(Vec x) {
  const Vec n = round(x * 1.44269504f);
  return scale(exp_fraction(x, n) + 1.0f, n);
}

// Results below the smallest normal number are flushed to zero; above the largest they are
// infinite; NaN stays NaN.
CONVNET_INLINE Vec exp(Vec x) {
  const Vec top = set1(88.72284f), bottom = set1(-87.33655f);
  Vec y = exp_inside(max(min(x, top), bottom));
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
  Vec y = poly(r, set1(7.0376836292e-2f), -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f,
               1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f,
               3.3333331174e-1f);
  y = y * r * z;
  y = fma(e, set1(-2.12194440e-4f), y);
  y = fnma(set1(0.5f), z, y);
  y = fma(e, set1(0.693359375f), r + y);
  y = select(x == set1(__builtin_inff()), x, y);
  y = select(x < set1(1.17549435e-38f), set1(-__builtin_inff()), y);
  return select(~(x >= zero()), set1(__builtin_nanf("")), y);
}

// exp(x) - 1: 2^n - 1 and the fraction are kept apart, so that nothing cancels near zero.
CONVNET_INLINE Vec expm1(Vec x) {
  const Vec inside = max(min(x, set1(89.0f)), set1(-20.0f));
  const Vec n = round(inside * 1.44269504f);
  // Half of the result, so that 2^128 does not overflow before the end.
  const Vec half = scale(exp_fraction(inside, n), n - 1.0f) + (scale(set1(0.5f), n) - 0.5f);
  return select(x != x, x, select(abs(x) < 1e-10f, x, half + half));
}

// log(1 + x), corrected for what 1 + x rounds away (Kahan).
CONVNET_INLINE Vec log1p(Vec x) {
  const Vec u = x + 1.0f;
  const Vec y = log(u) + (x - (u - 1.0f)) / u;
  return select(abs(x) < 1e-7f, x, select((u == 0.0f) | (u == __builtin_inff()), log(u), y));
}

// In sigmoid and tanh NaN stays because min and max give their second operand.
CONVNET_INLINE Vec sigmoid(Vec x) {
  return 1.0f / (1.0f + exp_inside(max(set1(-87.0f), min(set1(88.7f), zero() - x))));
}

CONVNET_INLINE Vec tanh(Vec x) {
  const Vec a = abs(x), z = x * x;
  const Vec small = fma(poly(z, set1(-5.70498872745e-3f), 2.06390887954e-2f, -5.37397155531e-2f,
                             1.33314422036e-1f, -3.33332819422e-1f) *
                            z,
                        x, x);
  const Vec e = exp_inside(min(set1(40.0f), a + a));
  const Vec big = set1(1.0f) - set1(2.0f) / (e + set1(1.0f));
  return select(a < set1(0.625f), small, copy_sign(big, x));
}

// An odd polynomial near zero, 1 - exp(-t * polynomial in t) beyond; minimax fits of our own.
CONVNET_INLINE Vec erf(Vec x) {
  const Vec z = x * x, t = min(abs(x), set1(4.0f));
  const Vec small =
      fma(poly(z, set1(8.1851135746e-5f), -8.0977093977e-4f, 5.1969527713e-3f, -2.6857705475e-2f,
               1.1283664008e-1f, -3.7612631615e-1f, 1.283791664e-1f),
          x, x);
  const Vec q = poly(t, set1(1.2339338228e-5f), -3.3395917601e-4f, 3.6881040262e-3f,
                     -2.3859263920e-2f, 1.0635055663e-1f, 6.3508203706e-1f, 1.1286656929f);
  const Vec big = 1.0f - exp(zero() - t * q);
  const Vec y = select(t < 0.95f, small, copy_sign(big, x));
  return select(x != x, x, y);
}

// sin(x + quarter_turns * pi / 2). Beyond 8192 the reduction by three-part pi / 2 loses bits: the C
// library takes over.
CONVNET_INLINE Vec sin_shifted(Vec x, float quarter_turns) {
  const Vec n = round(x * 0.636619772f);
  Vec r = fnma(n, set1(1.5703125f), x);
  r = fnma(n, set1(4.837512969970703125e-4f), r);
  r = fnma(n, set1(7.54978995489188216e-8f), r);
  const Vec z = r * r;
  const Vec sine =
      fma(poly(z, set1(-1.9515295891e-4f), 8.3321608736e-3f, -1.6666654611e-1f) * z, r, r);
  const Vec cosine =
      fma(poly(z, set1(2.443315711809948e-5f), -1.388731625493765e-3f, 4.166664568298827e-2f) * z,
          z, fnma(set1(0.5f), z, set1(1.0f)));
  const Vec m = n + quarter_turns;
  const Vec quadrant = m - 4.0f * floor(m * 0.25f);
  const Vec y = select((quadrant == 1.0f) | (quadrant == 3.0f), cosine, sine);
  return select(quadrant >= 2.0f, zero() - y, y);
}

// y, with the C library's answer where |x| is too large. Lane by lane: no sample's bits may depend
// on its neighbours.
template <float (*function)(float)>
CONVNET_INLINE Vec beyond_reduction(Vec x, Vec y) {
  const Mask large = abs(x) > 8192.0f;
  if (bits(large) == 0) return y;
  float lanes[kWidth];
  store(lanes, x);
  for (int i = 0; i < kWidth; ++i) lanes[i] = function(lanes[i]);
  return select(large, load(lanes), y);
}

CONVNET_INLINE Vec sin(Vec x) { return beyond_reduction<::sinf>(x, sin_shifted(x, 0)); }
CONVNET_INLINE Vec cos(Vec x) { return beyond_reduction<::cosf>(x, sin_shifted(x, 1)); }
CONVNET_INLINE Vec tan(Vec x) {
  return beyond_reduction<::tanf>(x, sin_shifted(x, 0) / sin_shifted(x, 1));
}

// Squares, and the first powers that their gradients need, are what losses and norms ask for most;
// everything else is the C library's.
CONVNET_INLINE Vec pow(Vec x, Vec y) {
  const Mask square = y == 2.0f, first = y == 1.0f;
  const Vec simple = select(square, x * x, x);
  if (bits(~(square | first)) == 0) return simple;
  float base[kWidth], power[kWidth];
  store(base, x), store(power, y);
  for (int i = 0; i < kWidth; ++i) base[i] = ::powf(base[i], power[i]);
  return select(square | first, simple, load(base));
}

}  // namespace convnet::CONVNET_ISA
