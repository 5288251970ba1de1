// Activations of gates and their derivatives, both in terms of the result.
#pragma once

#include "cpu/kernels/unary_functions.h"
#include "ops/rnn.h"

namespace convnet::CONVNET_ISA {

constexpr float kLeak = 0.2f;  // slope of leaky_relu below zero

CONVNET_INLINE Vec clip(Vec x, float low, float high) { return min(set1(high), max(set1(low), x)); }

// Out of line: it is the rare case, and long.
CONVNET_FAR Vec gate_value(GateFn fn, Vec x) {
  const Vec one = set1(1.0f);
  switch (fn) {
    case GateFn::linear:
      break;
    case GateFn::relu:
      return max(zero(), x);
    case GateFn::relu6:
      return clip(x, 0.0f, 6.0f);
    case GateFn::leaky_relu:
      return select(x < zero(), x * set1(kLeak), x);
    case GateFn::elu:
      return select(x > zero(), x, expm1(x));
    case GateFn::selu:
      return kSeluScale * select(x > zero(), x, kSeluAlpha * expm1(x));
    case GateFn::sigmoid:
      return sigmoid(x);
    case GateFn::hard_sigmoid:
      return hard_sigmoid(x);
    case GateFn::tanh:
      return tanh(x);
    case GateFn::hard_tanh:
      return clip(x, -1.0f, 1.0f);
    case GateFn::softplus:
      return softplus(x);
    case GateFn::softsign:
      return x / (one + abs(x));
    case GateFn::exponential:
      return exp(x);
  }
  return x;
}

CONVNET_FAR Vec gate_slope(GateFn fn, Vec y) {
  const Vec one = set1(1.0f);
  switch (fn) {
    case GateFn::linear:
      break;
    case GateFn::relu:
      return keep(y > zero(), one);
    case GateFn::relu6:
      return keep((y > zero()) & (y < set1(6.0f)), one);
    case GateFn::leaky_relu:
      return select(y < zero(), set1(kLeak), one);
    case GateFn::elu:
      return select(y > zero(), one, y + one);
    case GateFn::selu:
      return select(y > zero(), set1(kSeluScale), y + set1(kSeluScale * kSeluAlpha));
    case GateFn::sigmoid:
      return y * (one - y);
    case GateFn::hard_sigmoid:
      return keep((y > zero()) & (y < one), set1(kSixth));
    case GateFn::tanh:
      return fnma(y, y, one);
    case GateFn::hard_tanh:
      return keep((y > set1(-1.0f)) & (y < one), one);
    case GateFn::softplus:
      return zero() - expm1(zero() - y);
    case GateFn::softsign:
      return (one - abs(y)) * (one - abs(y));
    case GateFn::exponential:
      return y;
  }
  return one;
}

// tanh within, sigmoid for the gates: what nearly every model has.
struct UsualGates {
  CONVNET_INLINE Vec inner(Vec x) const { return tanh(x); }
  CONVNET_INLINE Vec inner_slope(Vec y) const { return fnma(y, y, set1(1.0f)); }
  CONVNET_INLINE Vec gate(Vec x) const { return sigmoid(x); }
  CONVNET_INLINE Vec gate_slope(Vec y) const { return y * (set1(1.0f) - y); }
};

struct AnyGates {
  GateFn activation, recurrent_activation;
  CONVNET_INLINE Vec inner(Vec x) const { return gate_value(activation, x); }
  CONVNET_INLINE Vec inner_slope(Vec y) const { return CONVNET_ISA::gate_slope(activation, y); }
  CONVNET_INLINE Vec gate(Vec x) const { return gate_value(recurrent_activation, x); }
  CONVNET_INLINE Vec gate_slope(Vec y) const {
    return CONVNET_ISA::gate_slope(recurrent_activation, y);
  }
};

// Calls `body` with the gates of a layer.
template <class Body>
CONVNET_INLINE void with_gates(const RnnParams& p, Body body) {
  if (p.activation == GateFn::tanh && p.recurrent_activation == GateFn::sigmoid) {
    body(UsualGates{});
  } else {
    body(AnyGates{p.activation, p.recurrent_activation});
  }
}

}  // namespace convnet::CONVNET_ISA
