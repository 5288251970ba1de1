// The transforms of Winograd's minimal filtering F(m, k) with n = m + k - 1 points: 0, 1, -1 and
// infinity for n = 4, also 2 and -2 for n = 6, also 1/2 and -1/2 for n = 8. With one point there is
// nothing to transform.
//
// A. Lavin, S. Gray: Fast algorithms for convolutional neural networks, 2016.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// n neighbouring inputs -> n points.
CONVNET_INLINE void to_points(Vec (&)[1]) {}
CONVNET_INLINE void to_points(Vec (&d)[4]) {
  const Vec p0 = d[0] - d[2], p1 = d[1] + d[2], p2 = d[2] - d[1], p3 = d[1] - d[3];
  d[0] = p0, d[1] = p1, d[2] = p2, d[3] = p3;
}
CONVNET_INLINE void to_points(Vec (&d)[6]) {
  const Vec p0 = fma(set1(4), d[0], fnma(set1(5), d[2], d[4]));
  const Vec p5 = fma(set1(4), d[1], fnma(set1(5), d[3], d[5]));
  const Vec even = fnma(set1(4), d[2], d[4]), odd = fnma(set1(4), d[1], d[3]);
  const Vec even2 = d[4] - d[2], odd2 = d[3] - d[1];
  d[0] = p0, d[1] = even + odd, d[2] = even - odd;
  d[3] = fma(set1(2), odd2, even2), d[4] = fnma(set1(2), odd2, even2), d[5] = p5;
}
CONVNET_INLINE void to_points(Vec (&d)[8]) {
  const Vec p0 = fma(set1(5.25f), d[4] - d[2], d[0] - d[6]);
  const Vec p7 = fma(set1(5.25f), d[3] - d[5], d[7] - d[1]);
  const Vec even1 = fnma(set1(4.25f), d[4], d[2] + d[6]);
  const Vec odd1 = fnma(set1(4.25f), d[3], d[1] + d[5]);
  const Vec even2 = fma(set1(0.25f), d[2], fnma(set1(1.25f), d[4], d[6]));
  const Vec odd2 = fma(set1(0.5f), d[1], fnma(set1(2.5f), d[3], d[5] + d[5]));
  const Vec even3 = fma(set1(4), d[2], fnma(set1(5), d[4], d[6]));
  const Vec odd3 = fma(set1(0.5f), d[5], fnma(set1(2.5f), d[3], d[1] + d[1]));
  d[0] = p0, d[1] = even1 + odd1, d[2] = even1 - odd1;
  d[3] = even2 + odd2, d[4] = even2 - odd2;
  d[5] = even3 + odd3, d[6] = even3 - odd3, d[7] = p7;
}

// n products -> m results.
CONVNET_INLINE void from_points(const Vec (&p)[1], Vec (&y)[1]) { y[0] = p[0]; }
CONVNET_INLINE void from_points(const Vec (&p)[4], Vec (&y)[2]) {
  y[0] = p[0] + p[1] + p[2];
  y[1] = p[1] - p[2] - p[3];
}
template <int M>
CONVNET_INLINE void from_points(const Vec (&p)[6], Vec (&y)[M]) {
  const Vec sum1 = p[1] + p[2], difference1 = p[1] - p[2];
  const Vec sum2 = p[3] + p[4], difference2 = p[3] - p[4];
  y[0] = p[0] + sum1 + sum2;
  y[1] = fma(set1(2), difference2, difference1);
  if constexpr (M > 2) y[2] = fma(set1(4), sum2, sum1);
  if constexpr (M > 3) y[3] = fma(set1(8), difference2, difference1);
  y[M - 1] = y[M - 1] + p[5];
}
template <int M>
CONVNET_INLINE void from_points(const Vec (&p)[8], Vec (&y)[M]) {
  const Vec sum1 = p[1] + p[2], difference1 = p[1] - p[2];
  const Vec sum2 = p[3] + p[4], difference2 = p[3] - p[4];
  const Vec sum3 = p[5] + p[6], difference3 = p[5] - p[6];
  y[0] = (p[0] + sum1) + (sum2 + sum3);
  CONVNET_EACH(i, M) {
    if (i == 0) continue;
    const float power = static_cast<float>(1 << i);
    const Vec two = i % 2 ? difference2 : sum2, half = i % 2 ? difference3 : sum3;
    y[i] = fma(set1(power), two, fma(set1(1 / power), half, i % 2 ? difference1 : sum1));
  }
  y[M - 1] = y[M - 1] + p[7];
}

// A polynomial of k coefficients at n points.
template <int N>
CONVNET_INLINE void evaluate(const Vec* w, int64_t k, Vec (&p)[N]) {
  // Its even and odd terms at 1 (for -1 the odd ones change sign), at 2 and at 1/2.
  Vec even1 = zero(), odd1 = zero(), even2 = zero(), odd2 = zero(), even3 = zero(), odd3 = zero();
  float power = 1;
  for (int64_t i = 0; i < k; ++i, power *= 2) {
    Vec &one = i % 2 ? odd1 : even1, &two = i % 2 ? odd2 : even2, &half = i % 2 ? odd3 : even3;
    one = one + w[i];
    if constexpr (N >= 6) two = fma(set1(power), w[i], two);
    if constexpr (N >= 8) half = fma(set1(1 / power), w[i], half);
  }
  p[0] = w[0], p[1] = even1 + odd1, p[2] = even1 - odd1;
  if constexpr (N >= 6) p[3] = even2 + odd2, p[4] = even2 - odd2;
  if constexpr (N >= 8) p[5] = even3 + odd3, p[6] = even3 - odd3;
  p[N - 1] = w[k - 1];
}

// What the filter's points are scaled by: 0, 1 and -1, 2 and -2, 1/2 and -1/2.
template <int N>
constexpr float kScale0 = N == 6 ? 0.25f : 1.0f;
template <int N>
constexpr float kScale1 = N == 4   ? 0.5f
                          : N == 6 ? -1.0f / 6
                                   : -2.0f / 9;
template <int N>
constexpr float kScale2 = N == 6 ? 1.0f / 24 : 1.0f / 90;
constexpr float kScale3 = 32.0f / 45;

// k taps -> n points.
template <int N>
CONVNET_INLINE void filter_points(const Vec* w, int64_t k, Vec (&p)[N]) {
  if constexpr (N == 1) {
    p[0] = w[0];
  } else {
    evaluate(w, k, p);
    p[0] = p[0] * kScale0<N>;
    p[1] = p[1] * kScale1<N>, p[2] = p[2] * kScale1<N>;
    if constexpr (N >= 6) p[3] = p[3] * kScale2<N>, p[4] = p[4] * kScale2<N>;
    if constexpr (N >= 8) p[5] = p[5] * kScale3, p[6] = p[6] * kScale3;
  }
}

// The adjoint of filter_points: n points -> k taps.
template <int N>
CONVNET_INLINE void taps_of(const Vec (&p)[N], int64_t k, Vec* w) {
  if constexpr (N == 1) {
    w[0] = p[0];
  } else {
    const Vec even1 = (p[1] + p[2]) * kScale1<N>, odd1 = (p[1] - p[2]) * kScale1<N>;
    Vec even2 = zero(), odd2 = zero(), even3 = zero(), odd3 = zero();
    if constexpr (N >= 6) even2 = (p[3] + p[4]) * kScale2<N>, odd2 = (p[3] - p[4]) * kScale2<N>;
    if constexpr (N >= 8) even3 = (p[5] + p[6]) * kScale3, odd3 = (p[5] - p[6]) * kScale3;
    float power = 1;
    for (int64_t i = 0; i < k; ++i, power *= 2) {
      w[i] = fma(set1(power), i % 2 ? odd2 : even2, i % 2 ? odd1 : even1);
      if constexpr (N >= 8) w[i] = fma(set1(1 / power), i % 2 ? odd3 : even3, w[i]);
    }
    w[0] = fma(set1(kScale0<N>), p[0], w[0]);
    w[k - 1] = w[k - 1] + p[N - 1];
  }
}

// The adjoint of from_points: m results -> n points.
CONVNET_INLINE void result_points(const Vec (&y)[1], Vec (&p)[1]) { p[0] = y[0]; }
CONVNET_INLINE void result_points(const Vec (&y)[2], Vec (&p)[4]) {
  p[0] = y[0], p[1] = y[0] + y[1], p[2] = y[0] - y[1], p[3] = zero() - y[1];
}
template <int M, int N>
CONVNET_INLINE void result_points(const Vec (&y)[M], Vec (&p)[N]) {
  evaluate(y, M, p);
}

}  // namespace convnet::CONVNET_ISA
