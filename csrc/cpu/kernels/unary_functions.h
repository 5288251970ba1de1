// What the longer rows of ops/unary_list.inc call.
#pragma once

#include "cpu/simd/math.h"

namespace convnet::CONVNET_ISA {

constexpr float kSeluScale = 1.05070098735548f, kSeluAlpha = 1.67326324235438f;
constexpr float kSqrtHalf = 0.707106781f, kInvSqrtTwoPi = 0.398942280f;
constexpr float kTwoOverSqrtPi = 1.12837917f, kSqrtTwoOverPi = 0.797884561f;
constexpr float kSixth = 1.0f / 6.0f;

CONVNET_INLINE Vec sign(Vec x) {
  return select(x > 0.0f, set1(1.0f), select(x < 0.0f, set1(-1.0f), x));
}

// x above the threshold `gamma`, limited to [0, beta] where there is a limit; alpha * (x - gamma)
// below.
CONVNET_INLINE Vec relu_floor(Vec beta) {
  return select(beta == __builtin_inff(), set1(-__builtin_inff()), zero());
}
CONVNET_INLINE Vec relu_general(Vec x, Vec alpha, Vec beta, Vec gamma) {
  const Vec above = min(beta, max(relu_floor(beta), keep(x > gamma, x)));
  const Vec below = keep((x < gamma) & (alpha != 0.0f), alpha * (x - gamma));
  return select(x != x, x, above + below);
}
CONVNET_INLINE Vec relu_general_gradient(Vec x, Vec dy, Vec alpha, Vec beta, Vec gamma) {
  const Mask above = (x > gamma) & (x >= relu_floor(beta)) & (x <= beta);
  return keep(above, dy) + keep(x < gamma, alpha * dy);
}

CONVNET_INLINE Vec softplus(Vec x) { return max(x, zero()) + log1p(exp(zero() - abs(x))); }

CONVNET_INLINE Vec silu_gradient(Vec x, Vec dy) {
  const Vec s = sigmoid(x);
  return dy * s * fma(x, 1.0f - s, set1(1.0f));
}

CONVNET_INLINE Vec gelu_inner(Vec x) {
  return kSqrtTwoOverPi * x * fma(x * x, set1(0.044715f), set1(1.0f));
}
CONVNET_INLINE Vec gelu_tanh_gradient(Vec x, Vec dy) {
  const Vec t = tanh(gelu_inner(x));
  const Vec slope = kSqrtTwoOverPi * fma(x * x, set1(3 * 0.044715f), set1(1.0f));
  return dy * 0.5f * (1.0f + t + x * fnma(t, t, set1(1.0f)) * slope);
}

CONVNET_INLINE Vec hard_sigmoid(Vec x) {
  return min(set1(1.0f), max(zero(), fma(x, set1(kSixth), set1(0.5f))));
}
CONVNET_INLINE Vec hard_silu_gradient(Vec x, Vec dy) {
  const Vec inside = keep(x > -3.0f, dy * fma(x, set1(2 * kSixth), set1(0.5f)));
  return select(x >= 3.0f, dy, inside);
}

// With e = exp(x), tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2); it is 1 in float32 from x = 20
// on.
CONVNET_INLINE Vec tanh_softplus(Vec x) {
  const Vec e = exp(min(set1(20.0f), x)), n = e * (e + 2.0f);
  return n / (n + 2.0f);
}
CONVNET_INLINE Vec mish_gradient(Vec x, Vec dy) {
  const Vec t = tanh_softplus(x);
  return dy * fma(x * fnma(t, t, set1(1.0f)), sigmoid(x), t);
}

}  // namespace convnet::CONVNET_ISA
