// Optimizers as Keras computes them, operation by operation: no multiply-add is fused and no order
// is changed.
#include "ops/optimizers.h"

#include "cpu/kernels/optimizer_rows.h"
#include "cpu/kernels/sweep.h"

namespace convnet::CONVNET_ISA {

namespace {

CONVNET_INLINE Vec constant(double x) { return set1(static_cast<float>(x)); }

// Whether this step updates: gradients may be collected over several steps.
CONVNET_INLINE bool updates(const KernelArgs& a, int64_t accumulation_steps) {
  const double done = a.step->hyper[1], every = static_cast<double>(accumulation_steps);
  return done + 1 == (__builtin_floor(done / every) + 1) * every;
}

// Number of the update, from 1.
CONVNET_INLINE double number(const KernelArgs& a, int64_t accumulation_steps) {
  return __builtin_floor(a.step->hyper[1] / static_cast<double>(accumulation_steps)) + 1;
}

struct NoScalars {
  void operator()(double, float*) const {}
};

// own(t, scalars): numbers of its own that update t multiplies by. For the others see RowUpdate.
template <int N, class Own, class Rule, class Rests, class Rest>
CONVNET_INLINE void update(const KernelArgs& a, Own own, Rule rule, Rests rests, Rest rest) {
  const auto& p = a.as<OptimizerParams>();
  if (!updates(a, p.accumulation_steps)) return;
  float scalars[kStepScalars] = {static_cast<float>(a.step->hyper[0])};
  own(number(a, p.accumulation_steps), scalars + 1);
  if (p.phase != Phase::whole)
    return RowUpdate<N, Rule, Rests, Rest>(a, rule, rests, rest).run(scalars);
  const Step step = step_of(scalars);
  float* buffers[2 + N];
  for (int b = 0; b < 2 + N; ++b) buffers[b] = a.f32(b);
  const auto plain = [&](Vec(&v)[2 + N]) { rule(step, v); };
  const auto decayed = [&](Vec(&v)[2 + N]) {
    v[0] = v[0] - v[0] * set1(p.weight_decay) * step.rate;
    rule(step, v);
  };
  const int64_t* range = a.list<OptimizerParams>();
  const int64_t end = least(a.end * p.block, p.size);
  int64_t i = a.begin * p.block;
  for (int64_t r = 0; r < p.decay_ranges && i < end; ++r, range += 2) {
    const int64_t from = most(i, least(range[0], end)), to = most(from, least(range[1], end));
    sweep(buffers, ~2u, i, from, plain);
    sweep(buffers, ~2u, from, to, decayed);
    i = to;
  }
  sweep(buffers, ~2u, i, end, plain);
}

template <int N, class Own, class Rule>
CONVNET_INLINE void update(const KernelArgs& a, Own own, Rule rule) {
  update<N>(a, own, rule, [](const Vec(&)[2 + N]) { return mask_of(0); }, rule);
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

}  // namespace

void sgd(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const Vec momentum = constant(p.momentum);
  if (p.momentum == 0)
    return update<0>(a, NoScalars{},
                     [](const Step& s, Vec(&v)[2]) { v[0] = v[0] - v[1] * s.rate; });
  update<1>(a, NoScalars{}, [&](const Step& s, Vec(&v)[3]) {
    const Vec change = v[1] * s.rate;
    v[2] = v[2] * momentum - change;
    v[0] = v[0] + (p.variant ? v[2] * momentum - change : v[2]);
  });
}

// A row whose momentum is zero keeps its weights.
void adam(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const double rate = a.step->hyper[0];
  const auto alpha = [&](double t, float* own) {
    const double power_1 = __builtin_pow(p.decay_1, t), power_2 = __builtin_pow(p.decay_2, t);
    own[0] = static_cast<float>(rate * __builtin_sqrt(1 - power_2) / (1 - power_1));
  };
  const Vec new_1 = constant(1 - p.decay_1), new_2 = constant(1 - p.decay_2);
  const Vec epsilon = constant(p.epsilon);
  const bool may_rest = regular(p, p.decay_2) && p.decay_1 <= 1;
  const auto rule = [&](const Step& s, Vec& w, Vec g, Vec& m, Vec& v, Vec& largest) {
    m = averaged(m, g, new_1);
    v = averaged(v, g * g, new_2);
    largest = max(largest, v);
    w = w - m * s.own[0] / (sqrt(largest) + epsilon);
  };
  const auto rest = [&](const Step& s, Vec& w, Vec& v) {
    v = averaged(v, zero(), new_2);
    w = w - zero() * s.own[0];
  };
  const auto rests = [&](Vec m, Vec v) {
    return may_rest ? (m == zero()) & regular(v) : mask_of(0);
  };
  if (p.variant)
    return update<3>(
        a, alpha, [&](const Step& s, Vec(&v)[5]) { rule(s, v[0], v[1], v[2], v[3], v[4]); },
        [&](const Vec(&v)[5]) { return rests(v[2], v[3]) & regular(v[4]); },
        [&](const Step& s, Vec(&v)[5]) {
          v[2] = zero();
          rest(s, v[0], v[3]);
          v[4] = max(v[4], v[3]);
        });
  update<2>(
      a, alpha,
      [&](const Step& s, Vec(&v)[4]) {
        Vec none = zero();
        rule(s, v[0], v[1], v[2], v[3], none);
      },
      [&](const Vec(&v)[4]) { return rests(v[2], v[3]); },
      [&](const Step& s, Vec(&v)[4]) {
        v[2] = zero();
        rest(s, v[0], v[3]);
      });
}

void adamax(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const auto correction = [&](double t, float* own) {
    own[0] = static_cast<float>(1 - __builtin_pow(p.decay_1, t));
  };
  const Vec new_1 = constant(1 - p.decay_1), decay_2 = constant(p.decay_2);
  const Vec epsilon = constant(p.epsilon);
  update<2>(a, correction, [&](const Step& s, Vec(&v)[4]) {
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = max(decay_2 * v[3], abs(v[1]));
    v[0] = v[0] - s.rate * v[2] / (s.own[0] * (v[3] + epsilon));
  });
}

namespace {

constexpr double kNadamDecay = 0.96;
constexpr int kNadamConstantAfter = 1000;  // 0.96^i is below double's resolution of 1

double nadam_momentum(double beta, double t) {
  return beta * (1 - 0.5 * __builtin_pow(kNadamDecay, t));
}

// Product of all momenta up to step t.
double nadam_product(double beta, double t) {
  double product = __builtin_pow(beta, t), power = 1;
  for (int i = 1; i <= kNadamConstantAfter && i <= t; ++i) {
    power *= kNadamDecay;
    product *= 1 - 0.5 * power;
  }
  return product;
}

}  // namespace

void nadam(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const auto scalars = [&](double t, float* own) {
    const double now = nadam_momentum(p.decay_1, t), next = nadam_momentum(p.decay_1, t + 1);
    const double product = nadam_product(p.decay_1, t);
    const double values[] = {1 - now, next, 1 - product, 1 - product * next,
                             1 - __builtin_pow(p.decay_2, t)};
    for (int i = 0; i < 5; ++i) own[i] = static_cast<float>(values[i]);
  };
  const Vec new_1 = constant(1 - p.decay_1), new_2 = constant(1 - p.decay_2);
  const Vec epsilon = constant(p.epsilon);
  update<2>(a, scalars, [&](const Step& s, Vec(&v)[4]) {
    const auto [u_now, u_next, rest_now, rest_next, correction] = s.own;
    v[2] = averaged(v[2], v[1], new_1);
    v[3] = averaged(v[3], v[1] * v[1], new_2);
    const Vec m_hat = u_next * v[2] / rest_next + u_now * v[1] / rest_now;
    v[0] = v[0] - m_hat * s.rate / (sqrt(v[3] / correction) + epsilon);
  });
}

void lion(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const Vec old_1 = constant(p.decay_1), new_1 = constant(1 - p.decay_1);
  const Vec old_2 = constant(p.decay_2), new_2 = constant(1 - p.decay_2);
  update<1>(a, NoScalars{}, [&](const Step& s, Vec(&v)[3]) {
    v[0] = v[0] - s.rate * sign(v[2] * old_1 + v[1] * new_1);
    v[2] = v[2] * old_2 + v[1] * new_2;
  });
}

void rmsprop(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const Vec rho = constant(p.decay_1), fresh = constant(1 - p.decay_1);
  const Vec momentum = constant(p.momentum), epsilon = constant(p.epsilon);
  const bool may_rest = regular(p, p.decay_1);
  const auto add_square = [&](Vec& velocity, Vec g) {
    velocity = rho * velocity + fresh * (g * g);
    return velocity;
  };
  const auto variance = [&](Vec& velocity, Vec& average, Vec g) {
    average = rho * average + fresh * g;
    return add_square(velocity, g) - average * average;
  };
  const auto change = [&](const Step& s, Vec g, Vec square) {
    return s.rate * g / sqrt(square + epsilon);
  };
  const auto rests = [&](Vec velocity) { return may_rest ? regular(velocity) : mask_of(0); };
  if (p.momentum > 0 && p.variant) {
    update<3>(a, NoScalars{}, [&](const Step& s, Vec(&v)[5]) {
      v[3] = momentum * v[3] + change(s, v[1], variance(v[2], v[4], v[1]));
      v[0] = v[0] - v[3];
    });
  } else if (p.momentum > 0) {
    update<2>(
        a, NoScalars{},
        [&](const Step& s, Vec(&v)[4]) {
          v[3] = momentum * v[3] + change(s, v[1], add_square(v[2], v[1]));
          v[0] = v[0] - v[3];
        },
        [&](const Vec(&v)[4]) { return rests(v[2]); },
        [&](const Step& s, Vec(&v)[4]) {
          v[2] = rho * v[2] + zero();
          v[3] = momentum * v[3] + s.rate * zero();
          v[0] = v[0] - v[3];
        });
  } else if (p.variant) {
    update<2>(a, NoScalars{}, [&](const Step& s, Vec(&v)[4]) {
      v[0] = v[0] - change(s, v[1], variance(v[2], v[3], v[1]));
    });
  } else {
    update<1>(
        a, NoScalars{},
        [&](const Step& s, Vec(&v)[3]) { v[0] = v[0] - change(s, v[1], add_square(v[2], v[1])); },
        [&](const Vec(&v)[3]) { return rests(v[2]); },
        [&](const Step& s, Vec(&v)[3]) {
          v[2] = rho * v[2] + zero();
          v[0] = v[0] - s.rate * zero();
        });
  }
}

void adagrad(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const Vec epsilon = constant(p.epsilon);
  const bool may_rest = regular(p, 1);
  update<1>(
      a, NoScalars{},
      [&](const Step& s, Vec(&v)[3]) {
        v[2] = v[2] + v[1] * v[1];
        v[0] = v[0] - s.rate * v[1] / sqrt(v[2] + epsilon);
      },
      [&](const Vec(&v)[3]) { return may_rest ? regular(v[2]) : mask_of(0); },
      [&](const Step& s, Vec(&v)[3]) {
        v[2] = v[2] + zero();
        v[0] = v[0] - s.rate * zero();
      });
}

void adadelta(const KernelArgs& a) {
  const auto& p = a.as<OptimizerParams>();
  const Vec rho = constant(p.decay_1), fresh = constant(1 - p.decay_1);
  const Vec epsilon = constant(p.epsilon);
  const bool may_rest = regular(p, p.decay_1);
  update<2>(
      a, NoScalars{},
      [&](const Step& s, Vec(&v)[4]) {
        v[2] = rho * v[2] + fresh * (v[1] * v[1]);
        const Vec change = zero() - sqrt(v[3] + epsilon) * v[1] / sqrt(v[2] + epsilon);
        v[3] = rho * v[3] + fresh * (change * change);
        v[0] = v[0] + s.rate * change;
      },
      [&](const Vec(&v)[4]) { return may_rest ? regular(v[2]) & regular(v[3]) : mask_of(0); },
      [&](const Step& s, Vec(&v)[4]) {
        v[2] = rho * v[2] + zero();
        v[3] = rho * v[3] + zero();
        v[0] = v[0] + s.rate * zero();
      });
}

void gradient_accumulate(const KernelArgs& a) {
  const auto& p = a.as<GradientAccumulateParams>();
  const bool last = updates(a, p.steps);
  const Vec steps = set1(static_cast<float>(p.steps));
  float* const buffers[] = {a.f32(0), a.f32(1)};
  sweep(buffers, last ? 3u : 2u, a.begin * p.block, least(a.end * p.block, p.size),
        [&](Vec(&v)[2]) {
          const Vec total = v[0] + v[1];
          v[0] = total / steps;
          v[1] = last ? zero() : total;
        });
}

void ema(const KernelArgs& a) {
  const auto& p = a.as<EmaParams>();
  const double done = number(a, p.accumulation_steps) - 1;
  const double decay = done == 0 ? 0 : p.momentum;
  const double every = static_cast<double>(p.overwrite_frequency);
  const bool overwrites = every > 0 && done + 1 == every * __builtin_floor((done + 1) / every);
  const Vec old = constant(decay), fresh = constant(1 - decay);
  float* const buffers[] = {a.f32(0), a.f32(1)};
  sweep(buffers, overwrites ? 3u : 2u, a.begin * p.block, least(a.end * p.block, p.size),
        [&](Vec(&v)[2]) {
          v[1] = old * v[1] + fresh * v[0];
          v[0] = v[1];
        });
}

}  // namespace convnet::CONVNET_ISA
