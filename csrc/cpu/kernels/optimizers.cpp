// Optimizers: the rules of optimizer_rules.h over flat buffers.
#include "cpu/kernels/optimizer_rules.h"
#include "cpu/kernels/sweep.h"

namespace convnet::CONVNET_ISA {

namespace {

template <class Rule>
CONVNET_INLINE void update(const KernelArgs& a) {
  constexpr int kBuffers = 2 + Rule::slots;
  const auto& p = a.as<OptimizerParams>();
  const UpdateStep step = step_of(a.step->hyper, p.accumulation_steps);
  if (!step.updates) return;
  const Rule rule = Rule::of(p, step);
  const Vec rate = step.rate();
  float* buffers[kBuffers];
  for (int b = 0; b < kBuffers; ++b) buffers[b] = a.f32(b);
  const auto plain = [&](Vec(&v)[kBuffers]) { rule(v); };
  const auto with_decay = [&](Vec(&v)[kBuffers]) {
    v[0] = decayed(v[0], p.weight_decay, rate);
    rule(v);
  };
  const int64_t* range = a.list<OptimizerParams>();
  const int64_t end = least(a.end * p.block, p.size);
  int64_t i = a.begin * p.block;
  for (int64_t r = 0; r < p.decay_ranges && i < end; ++r, range += 2) {
    const int64_t from = most(i, least(range[0], end)), to = most(from, least(range[1], end));
    sweep(buffers, ~2u, i, from, plain);
    sweep(buffers, ~2u, from, to, with_decay);
    i = to;
  }
  sweep(buffers, ~2u, i, end, plain);
}

template <class Params, class Rule>
CONVNET_INLINE void sweep_both(const KernelArgs& a) {
  const auto& p = a.as<Params>();
  const Rule rule = Rule::of(p, a.step->hyper);
  float* const buffers[] = {a.f32(0), a.f32(1)};
  sweep(buffers, rule.written(), a.begin * p.block, least(a.end * p.block, p.size),
        rule);
}

}  // namespace

void sgd(const KernelArgs& a) {
  with_sgd(a.as<OptimizerParams>(), [&](auto rule) { update<decltype(rule)>(a); });
}
void adam(const KernelArgs& a) {
  with_adam(a.as<OptimizerParams>(), [&](auto rule) { update<decltype(rule)>(a); });
}
void rmsprop(const KernelArgs& a) {
  with_rmsprop(a.as<OptimizerParams>(), [&](auto rule) { update<decltype(rule)>(a); });
}
void adamax(const KernelArgs& a) { update<Adamax>(a); }
void nadam(const KernelArgs& a) { update<Nadam>(a); }
void lion(const KernelArgs& a) { update<Lion>(a); }
void adagrad(const KernelArgs& a) { update<Adagrad>(a); }
void adadelta(const KernelArgs& a) { update<Adadelta>(a); }

void gradient_accumulate(const KernelArgs& a) {
  sweep_both<GradientAccumulateParams, Accumulation>(a);
}
void ema(const KernelArgs& a) { sweep_both<EmaParams, WeightAverage>(a); }

}  // namespace convnet::CONVNET_ISA
