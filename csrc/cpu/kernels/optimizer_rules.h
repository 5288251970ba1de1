// Optimizers as Keras computes them, operation by operation: no multiply-add is fused and no order
// is changed. A rule is made once a step, of scalars that are computed in double. It changes v[0],
// the weight, and v[2 ..], its slots; v[1] is the gradient.
#pragma once

#include "cpu/simd/vec.h"
#include "ops/optimizers.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE Vec constant(double x) { return set1(static_cast<float>(x)); }

struct UpdateStep {
  bool updates;   // gradients may be collected over several steps
  double number;  // of the update, from 1
  double learning_rate;

  CONVNET_INLINE Vec rate() const { return constant(learning_rate); }
};

// `hyper`: learning rate, steps done before.
CONVNET_INLINE UpdateStep step_of(const double* hyper, int64_t accumulation_steps) {
  const double done = hyper[1], every = static_cast<double>(accumulation_steps);
  const double updates = ::floor(done / every);
  return {done + 1 == (updates + 1) * every, updates + 1, hyper[0]};
}

CONVNET_INLINE Vec decayed(Vec w, float weight_decay, Vec rate) {
  return w - w * set1(weight_decay) * rate;
}

CONVNET_INLINE Vec sign(Vec x) {
  const Vec one = set1(1.0f);
  return keep(x > zero(), one) - keep(x < zero(), one);
}

// m += (x - m) (1 - beta).
CONVNET_INLINE Vec averaged(Vec m, Vec x, Vec complement) { return m + (x - m) * complement; }

struct Sgd {
  static constexpr int slots = 0;
  Vec rate;

  static CONVNET_INLINE Sgd of(const OptimizerParams&, const UpdateStep& s) { return {s.rate()}; }
  CONVNET_INLINE void operator()(Vec (&v)[2]) const { v[0] = v[0] - v[1] * rate; }
};

struct Momentum {
  static constexpr int slots = 1;
  Vec rate, momentum;
  bool nesterov;

  static CONVNET_INLINE Momentum of(const OptimizerParams& p, const UpdateStep& s) {
    return {s.rate(), constant(p.momentum), p.variant};
  }
  CONVNET_INLINE void operator()(Vec (&v)[3]) const {
    const Vec change = v[1] * rate;
    v[2] = v[2] * momentum - change;
    v[0] = v[0] + (nesterov ? v[2] * momentum - change : v[2]);
  }
};

template <bool kAmsgrad>
struct Adam {
  static constexpr int slots = 2 + kAmsgrad;
  Vec alpha, new_1, new_2, epsilon;

  static CONVNET_INLINE Adam of(const OptimizerParams& p, const UpdateStep& s) {
    const double power_1 = ::pow(p.decay_1, s.number), power_2 = ::pow(p.decay_2, s.number);
    return {constant(s.learning_rate * ::sqrt(1 - power_2) / (1 - power_1)),
            constant(1 - p.decay_1), constant(1 - p.decay_2), constant(p.epsilon)};
  }
  CONVNET_INLINE void operator()(Vec (&v)[2 + slots]) const {
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = averaged(v[3], v[1] * v[1], new_2);
    Vec largest = zero();
    if constexpr (kAmsgrad) largest = v[4];
    largest = max(largest, v[3]);
    if constexpr (kAmsgrad) v[4] = largest;
    v[0] = v[0] - v[2] * alpha / (sqrt(largest) + epsilon);
  }
};

struct Adamax {
  static constexpr int slots = 2;
  Vec rate, correction, new_1, decay_2, epsilon;

  static CONVNET_INLINE Adamax of(const OptimizerParams& p, const UpdateStep& s) {
    return {s.rate(), constant(1 - ::pow(p.decay_1, s.number)), constant(1 - p.decay_1),
            constant(p.decay_2), constant(p.epsilon)};
  }
  CONVNET_INLINE void operator()(Vec (&v)[4]) const {
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = max(decay_2 * v[3], abs(v[1]));
    v[0] = v[0] - rate * v[2] / (correction * (v[3] + epsilon));
  }
};

constexpr double kNadamDecay = 0.96;
constexpr int kNadamConstantAfter = 1000;  // 0.96^i is below double's resolution of 1

CONVNET_INLINE double nadam_momentum(double beta, double t) {
  return beta * (1 - 0.5 * ::pow(kNadamDecay, t));
}

// Product of all momenta up to step t.
CONVNET_INLINE double nadam_product(double beta, double t) {
  double product = ::pow(beta, t), power = 1;
  for (int i = 1; i <= kNadamConstantAfter && i <= t; ++i) {
    power *= kNadamDecay;
    product *= 1 - 0.5 * power;
  }
  return product;
}

struct Nadam {
  static constexpr int slots = 2;
  Vec rate, now, next, rest_now, rest_next, correction, new_1, new_2, epsilon;

  static CONVNET_INLINE Nadam of(const OptimizerParams& p, const UpdateStep& s) {
    const double t = s.number, product = nadam_product(p.decay_1, t);
    const double now = nadam_momentum(p.decay_1, t), next = nadam_momentum(p.decay_1, t + 1);
    return {s.rate(),
            constant(1 - now),
            constant(next),
            constant(1 - product),
            constant(1 - product * next),
            constant(1 - ::pow(p.decay_2, t)),
            constant(1 - p.decay_1),
            constant(1 - p.decay_2),
            constant(p.epsilon)};
  }
  CONVNET_INLINE void operator()(Vec (&v)[4]) const {
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = averaged(v[3], v[1] * v[1], new_2);
    const Vec m_hat = next * v[2] / rest_next + now * v[1] / rest_now;
    v[0] = v[0] - m_hat * rate / (sqrt(v[3] / correction) + epsilon);
  }
};

struct Lion {
  static constexpr int slots = 1;
  Vec rate, old_1, new_1, old_2, new_2;

  static CONVNET_INLINE Lion of(const OptimizerParams& p, const UpdateStep& s) {
    return {s.rate(), constant(p.decay_1), constant(1 - p.decay_1), constant(p.decay_2),
            constant(1 - p.decay_2)};
  }
  CONVNET_INLINE void operator()(Vec (&v)[3]) const {
    v[0] = v[0] - rate * sign(v[2] * old_1 + v[1] * new_1);
    v[2] = v[2] * old_2 + v[1] * new_2;
  }
};

// Slots: mean square, then the momentum and the mean of gradients where they are used.
template <bool kMomentum, bool kCentered>
struct RmsProp {
  static constexpr int slots = 1 + kMomentum + kCentered;
  Vec rate, rho, fresh, momentum, epsilon;

  static CONVNET_INLINE RmsProp of(const OptimizerParams& p, const UpdateStep& s) {
    return {s.rate(), constant(p.decay_1), constant(1 - p.decay_1), constant(p.momentum),
            constant(p.epsilon)};
  }
  CONVNET_INLINE void operator()(Vec (&v)[2 + slots]) const {
    if constexpr (kCentered) v[1 + slots] = rho * v[1 + slots] + fresh * v[1];
    v[2] = rho * v[2] + fresh * (v[1] * v[1]);
    Vec variance = v[2];
    if constexpr (kCentered) variance = variance - v[1 + slots] * v[1 + slots];
    const Vec change = rate * v[1] / sqrt(variance + epsilon);
    if constexpr (kMomentum) v[3] = momentum * v[3] + change;
    v[0] = v[0] - (kMomentum ? v[3] : change);
  }
};

struct Adagrad {
  static constexpr int slots = 1;
  Vec rate, epsilon;

  static CONVNET_INLINE Adagrad of(const OptimizerParams& p, const UpdateStep& s) {
    return {s.rate(), constant(p.epsilon)};
  }
  CONVNET_INLINE void operator()(Vec (&v)[3]) const {
    v[2] = v[2] + v[1] * v[1];
    v[0] = v[0] - rate * v[1] / sqrt(v[2] + epsilon);
  }
};

struct Adadelta {
  static constexpr int slots = 2;
  Vec rate, rho, fresh, epsilon;

  static CONVNET_INLINE Adadelta of(const OptimizerParams& p, const UpdateStep& s) {
    return {s.rate(), constant(p.decay_1), constant(1 - p.decay_1), constant(p.epsilon)};
  }
  CONVNET_INLINE void operator()(Vec (&v)[4]) const {
    v[2] = rho * v[2] + fresh * (v[1] * v[1]);
    const Vec change = zero() - sqrt(v[3] + epsilon) * v[1] / sqrt(v[2] + epsilon);
    v[3] = rho * v[3] + fresh * (change * change);
    v[0] = v[0] + rate * change;
  }
};

// The rule that an op's parameters ask for: update(rule), of which the type counts.
template <class Update>
void with_sgd(const OptimizerParams& p, Update update) {
  p.momentum == 0 ? update(Sgd{}) : update(Momentum{});
}
template <class Update>
void with_adam(const OptimizerParams& p, Update update) {
  p.variant ? update(Adam<true>{}) : update(Adam<false>{});
}
template <class Update>
void with_rmsprop(const OptimizerParams& p, Update update) {
  if (p.momentum > 0)
    p.variant ? update(RmsProp<true, true>{}) : update(RmsProp<true, false>{});
  else
    p.variant ? update(RmsProp<false, true>{}) : update(RmsProp<false, false>{});
}

// v[0]: the gradient, which becomes the mean at a step that updates. v[1]: the sum.
struct Accumulation {
  bool updates;
  Vec steps;

  static CONVNET_INLINE Accumulation of(const GradientAccumulateParams& p, const double* hyper) {
    return {step_of(hyper, p.steps).updates, set1(static_cast<float>(p.steps))};
  }
  CONVNET_INLINE uint32_t written() const { return updates ? 3u : 2u; }
  CONVNET_INLINE void operator()(Vec (&v)[2]) const {
    const Vec total = v[0] + v[1];
    v[0] = total / steps;
    v[1] = updates ? zero() : total;
  }
};

// v[0]: the weight, which may be overwritten by v[1], its average.
struct WeightAverage {
  bool overwrites;
  Vec old, fresh;

  static CONVNET_INLINE WeightAverage of(const EmaParams& p, const double* hyper) {
    const double updates = step_of(hyper, p.accumulation_steps).number - 1;
    const double decay = updates == 0 ? 0 : p.momentum;
    const double every = static_cast<double>(p.overwrite_frequency);
    return {every > 0 && updates + 1 == every * ::floor((updates + 1) / every), constant(decay),
            constant(1 - decay)};
  }
  CONVNET_INLINE uint32_t written() const { return overwrites ? 3u : 2u; }
  CONVNET_INLINE void operator()(Vec (&v)[2]) const {
    v[1] = old * v[1] + fresh * v[0];
    v[0] = v[1];
  }
};

}  // namespace convnet::CONVNET_ISA
