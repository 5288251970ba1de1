// Optimizers as Keras computes them, operation by operation: no multiply-add is fused and no order
// is changed. A rule holds what is the same in all steps; what a step multiplies by is computed
// once, in double. It changes v[0], the weight, and v[2 ..], its slots; v[1] is the gradient.
// Where rests(v) holds, rest(step, v) gives the same as the rule with a gradient of zero, now and
// in the steps that follow without one.
#pragma once

#include "cpu/simd/vec.h"
#include "ops/optimizers.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE Vec constant(double x) { return set1(static_cast<float>(x)); }

// Whether a step updates, gradients being collected over several steps, and the number of the
// update, from 1. `hyper`: learning rate, steps done before.
CONVNET_INLINE bool updates(const double* hyper, int64_t accumulation_steps) {
  const double done = hyper[1], every = static_cast<double>(accumulation_steps);
  return done + 1 == (::floor(done / every) + 1) * every;
}
CONVNET_INLINE double number(const double* hyper, int64_t accumulation_steps) {
  return ::floor(hyper[1] / static_cast<double>(accumulation_steps)) + 1;
}

// Out of line: it is long, and happens once a step.
CONVNET_FAR double power(double base, double exponent) { return ::pow(base, exponent); }

// What a step multiplies by: the learning rate, and numbers of the optimizer's own.
struct UpdateStep {
  Vec rate, own[kStepScalars - 1];
};

CONVNET_INLINE UpdateStep step_of(const float* scalars) {
  UpdateStep step{set1(scalars[0]), {}};
  for (int i = 0; i < kStepScalars - 1; ++i) step.own[i] = set1(scalars[1 + i]);
  return step;
}

template <class Rule>
CONVNET_INLINE void find_scalars(const OptimizerParams& p, const double* hyper, float* scalars) {
  scalars[0] = static_cast<float>(hyper[0]);
  Rule::own(p, hyper[0], number(hyper, p.accumulation_steps), scalars + 1);
}

CONVNET_INLINE void decay(const OptimizerParams& p, const UpdateStep& step, Vec& w) {
  w = w - w * set1(p.weight_decay) * step.rate;
}

// Whether decaying averages of squares stay as they are expected: not negative, and with epsilon
// not zero under a root or below a fraction.
CONVNET_INLINE bool regular(const OptimizerParams& p, double decay) {
  return p.epsilon > 1e-30 && p.epsilon < 1e30 && decay >= 0 && decay <= 1;
}
CONVNET_INLINE Mask regular(Vec square) { return (square >= zero()) & (square < set1(1e30f)); }

CONVNET_INLINE Vec sign(Vec x) {
  const Vec one = set1(1.0f);
  return keep(x > zero(), one) - keep(x < zero(), one);
}

// m += (x - m) (1 - beta).
CONVNET_INLINE Vec averaged(Vec m, Vec x, Vec complement) { return m + (x - m) * complement; }

// A rule of N slots without numbers of its own, in which nothing rests.
template <int N>
struct PlainRule {
  static constexpr int slots = N;
  static CONVNET_INLINE void own(const OptimizerParams&, double, double, float*) {}
  CONVNET_INLINE Mask rests(const Vec (&)[2 + N]) const { return mask_of(0); }
  CONVNET_INLINE void rest(const UpdateStep&, Vec (&)[2 + N]) const {}
};

struct Sgd : PlainRule<0> {
  explicit CONVNET_INLINE Sgd(const OptimizerParams&) {}
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[2]) const {
    v[0] = v[0] - v[1] * s.rate;
  }
};

struct Momentum : PlainRule<1> {
  const Vec momentum;
  const bool nesterov;

  explicit CONVNET_INLINE Momentum(const OptimizerParams& p)
      : momentum(constant(p.momentum)), nesterov(p.variant) {}
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[3]) const {
    const Vec change = v[1] * s.rate;
    v[2] = v[2] * momentum - change;
    v[0] = v[0] + (nesterov ? v[2] * momentum - change : v[2]);
  }
};

// An element whose momentum is zero keeps its weight.
template <bool kAmsgrad>
struct Adam {
  static constexpr int slots = 2 + kAmsgrad;
  const Vec new_1, new_2, epsilon;
  const bool may_rest;

  explicit CONVNET_INLINE Adam(const OptimizerParams& p)
      : new_1(constant(1 - p.decay_1)),
        new_2(constant(1 - p.decay_2)),
        epsilon(constant(p.epsilon)),
        may_rest(regular(p, p.decay_2) && p.decay_1 <= 1) {}
  static CONVNET_INLINE void own(const OptimizerParams& p, double rate, double t, float* own) {
    const double power_1 = power(p.decay_1, t), power_2 = power(p.decay_2, t);
    own[0] = static_cast<float>(rate * ::sqrt(1 - power_2) / (1 - power_1));
  }
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[2 + slots]) const {
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = averaged(v[3], v[1] * v[1], new_2);
    Vec largest = zero();
    if constexpr (kAmsgrad) largest = v[4];
    largest = max(largest, v[3]);
    if constexpr (kAmsgrad) v[4] = largest;
    v[0] = v[0] - v[2] * s.own[0] / (sqrt(largest) + epsilon);
  }
  CONVNET_INLINE Mask rests(const Vec (&v)[2 + slots]) const {
    if (!may_rest) return mask_of(0);
    Mask all = (v[2] == zero()) & regular(v[3]);
    if constexpr (kAmsgrad) all = all & regular(v[4]);
    return all;
  }
  CONVNET_INLINE void rest(const UpdateStep& s, Vec (&v)[2 + slots]) const {
    v[2] = zero();
    v[3] = averaged(v[3], zero(), new_2);
    v[0] = v[0] - zero() * s.own[0];
    if constexpr (kAmsgrad) v[4] = max(v[4], v[3]);
  }
};

struct Adamax : PlainRule<2> {
  const Vec new_1, decay_2, epsilon;

  explicit CONVNET_INLINE Adamax(const OptimizerParams& p)
      : new_1(constant(1 - p.decay_1)),
        decay_2(constant(p.decay_2)),
        epsilon(constant(p.epsilon)) {}
  static CONVNET_INLINE void own(const OptimizerParams& p, double, double t, float* own) {
    own[0] = static_cast<float>(1 - power(p.decay_1, t));
  }
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[4]) const {
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = max(decay_2 * v[3], abs(v[1]));
    v[0] = v[0] - s.rate * v[2] / (s.own[0] * (v[3] + epsilon));
  }
};

constexpr double kNadamDecay = 0.96;
constexpr int kNadamConstantAfter = 1000;  // 0.96^i is below double's resolution of 1

CONVNET_INLINE double nadam_momentum(double beta, double t) {
  return beta * (1 - 0.5 * power(kNadamDecay, t));
}

// Product of all momenta up to step t.
CONVNET_INLINE double nadam_product(double beta, double t) {
  double product = power(beta, t), power = 1;
  const int last = t < kNadamConstantAfter ? static_cast<int>(t) : kNadamConstantAfter;
  for (int i = 1; i <= last; ++i) {
    power *= kNadamDecay;
    product *= 1 - 0.5 * power;
  }
  return product;
}

struct Nadam : PlainRule<2> {
  const Vec new_1, new_2, epsilon;

  explicit CONVNET_INLINE Nadam(const OptimizerParams& p)
      : new_1(constant(1 - p.decay_1)),
        new_2(constant(1 - p.decay_2)),
        epsilon(constant(p.epsilon)) {}
  static CONVNET_INLINE void own(const OptimizerParams& p, double, double t, float* own) {
    const double now = nadam_momentum(p.decay_1, t), next = nadam_momentum(p.decay_1, t + 1);
    const double product = nadam_product(p.decay_1, t);
    const double values[] = {1 - now, next, 1 - product, 1 - product * next,
                             1 - power(p.decay_2, t)};
    for (int i = 0; i < 5; ++i) own[i] = static_cast<float>(values[i]);
  }
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[4]) const {
    const auto& [u_now, u_next, rest_now, rest_next, correction] = s.own;
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = averaged(v[3], v[1] * v[1], new_2);
    const Vec m_hat = u_next * v[2] / rest_next + u_now * v[1] / rest_now;
    v[0] = v[0] - m_hat * s.rate / (sqrt(v[3] / correction) + epsilon);
  }
};

struct Lion : PlainRule<1> {
  const Vec old_1, new_1, old_2, new_2;

  explicit CONVNET_INLINE Lion(const OptimizerParams& p)
      : old_1(constant(p.decay_1)),
        new_1(constant(1 - p.decay_1)),
        old_2(constant(p.decay_2)),
        new_2(constant(1 - p.decay_2)) {}
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[3]) const {
    v[0] = v[0] - s.rate * sign(v[2] * old_1 + v[1] * new_1);
    v[2] = v[2] * old_2 + v[1] * new_2;
  }
};

// Slots: mean square, then the momentum and the mean of gradients where they are used.
template <bool kMomentum, bool kCentered>
struct RmsProp : PlainRule<1 + kMomentum + kCentered> {
  using RmsProp::PlainRule::slots;
  const Vec rho, fresh, momentum, epsilon;
  const bool may_rest;

  explicit CONVNET_INLINE RmsProp(const OptimizerParams& p)
      : rho(constant(p.decay_1)),
        fresh(constant(1 - p.decay_1)),
        momentum(constant(p.momentum)),
        epsilon(constant(p.epsilon)),
        may_rest(!kCentered && regular(p, p.decay_1)) {}
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[2 + slots]) const {
    if constexpr (kCentered) v[1 + slots] = rho * v[1 + slots] + fresh * v[1];
    v[2] = rho * v[2] + fresh * (v[1] * v[1]);
    Vec variance = v[2];
    if constexpr (kCentered) variance = variance - v[1 + slots] * v[1 + slots];
    move(v, s.rate * v[1] / sqrt(variance + epsilon));
  }
  CONVNET_INLINE Mask rests(const Vec (&v)[2 + slots]) const {
    return may_rest ? regular(v[2]) : mask_of(0);
  }
  CONVNET_INLINE void rest(const UpdateStep& s, Vec (&v)[2 + slots]) const {
    v[2] = rho * v[2] + zero();
    move(v, s.rate * zero());
  }

 private:
  CONVNET_INLINE void move(Vec (&v)[2 + slots], Vec change) const {
    if constexpr (kMomentum) v[3] = momentum * v[3] + change;
    v[0] = v[0] - (kMomentum ? v[3] : change);
  }
};

struct Adagrad : PlainRule<1> {
  const Vec epsilon;
  const bool may_rest;

  explicit CONVNET_INLINE Adagrad(const OptimizerParams& p)
      : epsilon(constant(p.epsilon)), may_rest(regular(p, 1)) {}
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[3]) const {
    v[2] = v[2] + v[1] * v[1];
    v[0] = v[0] - s.rate * v[1] / sqrt(v[2] + epsilon);
  }
  CONVNET_INLINE Mask rests(const Vec (&v)[3]) const {
    return may_rest ? regular(v[2]) : mask_of(0);
  }
  CONVNET_INLINE void rest(const UpdateStep& s, Vec (&v)[3]) const {
    v[2] = v[2] + zero();
    v[0] = v[0] - s.rate * zero();
  }
};

struct Adadelta : PlainRule<2> {
  const Vec rho, fresh, epsilon;
  const bool may_rest;

  explicit CONVNET_INLINE Adadelta(const OptimizerParams& p)
      : rho(constant(p.decay_1)),
        fresh(constant(1 - p.decay_1)),
        epsilon(constant(p.epsilon)),
        may_rest(regular(p, p.decay_1)) {}
  CONVNET_INLINE void operator()(const UpdateStep& s, Vec (&v)[4]) const {
    v[2] = rho * v[2] + fresh * (v[1] * v[1]);
    const Vec change = zero() - sqrt(v[3] + epsilon) * v[1] / sqrt(v[2] + epsilon);
    v[3] = rho * v[3] + fresh * (change * change);
    v[0] = v[0] + s.rate * change;
  }
  CONVNET_INLINE Mask rests(const Vec (&v)[4]) const {
    return may_rest ? regular(v[2]) & regular(v[3]) : mask_of(0);
  }
  CONVNET_INLINE void rest(const UpdateStep& s, Vec (&v)[4]) const {
    v[2] = rho * v[2] + zero();
    v[3] = rho * v[3] + zero();
    v[0] = v[0] + s.rate * zero();
  }
};

// use(rule) of the rule that an op's parameters ask for.
template <class Use>
CONVNET_INLINE void with_sgd(const OptimizerParams& p, Use use) {
  p.momentum == 0 ? use(Sgd(p)) : use(Momentum(p));
}
template <class Use>
CONVNET_INLINE void with_adam(const OptimizerParams& p, Use use) {
  p.variant ? use(Adam<true>(p)) : use(Adam<false>(p));
}
template <class Use>
CONVNET_INLINE void with_rmsprop(const OptimizerParams& p, Use use) {
  if (p.momentum > 0)
    p.variant ? use(RmsProp<true, true>(p)) : use(RmsProp<true, false>(p));
  else
    p.variant ? use(RmsProp<false, true>(p)) : use(RmsProp<false, false>(p));
}

// v[0]: the gradient, which becomes the mean at a step that updates. v[1]: the sum.
struct Accumulation {
  bool last;
  Vec steps;

  static CONVNET_INLINE Accumulation of(const GradientAccumulateParams& p, const double* hyper) {
    return {updates(hyper, p.steps), set1(static_cast<float>(p.steps))};
  }
  CONVNET_INLINE uint32_t written() const { return last ? 3u : 2u; }
  CONVNET_INLINE void operator()(Vec (&v)[2]) const {
    const Vec total = v[0] + v[1];
    v[0] = total / steps;
    v[1] = last ? zero() : total;
  }
};

// v[0]: the weight, which may be overwritten by v[1], its average.
struct WeightAverage {
  bool overwrites;
  Vec old, fresh;

  static CONVNET_INLINE WeightAverage of(const EmaParams& p, const double* hyper) {
    const double done = number(hyper, p.accumulation_steps) - 1;
    const double decay = done == 0 ? 0 : p.momentum;
    const double every = static_cast<double>(p.overwrite_frequency);
    return {every > 0 && done + 1 == every * ::floor((done + 1) / every), constant(decay),
            constant(1 - decay)};
  }
  CONVNET_INLINE uint32_t written() const { return overwrites ? 3u : 2u; }
  CONVNET_INLINE void operator()(Vec (&v)[2]) const {
    v[1] = old * v[1] + fresh * v[0];
    v[0] = v[1];
  }
};

}  // namespace convnet::CONVNET_ISA
