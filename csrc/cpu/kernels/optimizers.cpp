// Optimizers: the rules of optimizer_rules.h over flat buffers, or by the row.
#include "cpu/kernels/optimizer_rows.h"
#include "cpu/kernels/sweep.h"

namespace convnet::CONVNET_ISA {

namespace {

template <class Rule>
CONVNET_INLINE void update(const KernelArgs& a, const Rule& rule) {
  constexpr int kBuffers = 2 + Rule::slots;
  const auto& p = a.as<OptimizerParams>();
  const double* hyper = a.step->hyper;
  if (!updates(hyper, p.accumulation_steps)) return;
  float scalars[kStepScalars] = {};
  find_scalars<Rule>(p, hyper, scalars);
  if (p.phase != Phase::whole) return RowUpdate<Rule>(a, rule).run(scalars);
  const UpdateStep step = step_of(scalars);
  float* buffers[kBuffers];
  for (int b = 0; b < kBuffers; ++b) buffers[b] = a.f32(b);
  const auto plain = [&](Vec(&v)[kBuffers]) { rule(step, v); };
  const auto decayed = [&](Vec(&v)[kBuffers]) {
    decay(p, step, v[0]);
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

template <class Params, class Rule>
CONVNET_INLINE void sweep_both(const KernelArgs& a) {
  const auto& p = a.as<Params>();
  const Rule rule = Rule::of(p, a.step->hyper);
  float* const buffers[] = {a.f32(0), a.f32(1)};
  sweep(buffers, rule.written(), a.begin * p.block, least(a.end * p.block, p.size), rule);
}

}  // namespace

void sgd(const KernelArgs& a) {
  with_sgd(a.as<OptimizerParams>(), [&](const auto& rule) { update(a, rule); });
}
void adam(const KernelArgs& a) {
  with_adam(a.as<OptimizerParams>(), [&](const auto& rule) { update(a, rule); });
}
void rmsprop(const KernelArgs& a) {
  with_rmsprop(a.as<OptimizerParams>(), [&](const auto& rule) { update(a, rule); });
}
void adamax(const KernelArgs& a) { update(a, Adamax(a.as<OptimizerParams>())); }
void nadam(const KernelArgs& a) { update(a, Nadam(a.as<OptimizerParams>())); }
void lion(const KernelArgs& a) { update(a, Lion(a.as<OptimizerParams>())); }
void adagrad(const KernelArgs& a) { update(a, Adagrad(a.as<OptimizerParams>())); }
void adadelta(const KernelArgs& a) { update(a, Adadelta(a.as<OptimizerParams>())); }

void gradient_accumulate(const KernelArgs& a) {
  sweep_both<GradientAccumulateParams, Accumulation>(a);
}
void ema(const KernelArgs& a) { sweep_both<EmaParams, WeightAverage>(a); }

}  // namespace convnet::CONVNET_ISA
