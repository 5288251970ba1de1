// Optimizers: the rules of cpu/kernels/optimizer_rules.h over flat buffers. What changes from step
// to step is computed on the device, once a block.
#include "cpu/kernels/optimizer_rules.h"
#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

constexpr int64_t kMostBounds = 256;  // of a launch, so that they fit into its arguments
constexpr int64_t kPerThread = 4;     // elements that a thread has at least, for large buffers

template <int N>
struct Buffers {
  float* data[N];
};

// Elements [begin, end), of which those with an odd number of bounds at or before them decay.
struct Span {
  int64_t begin, end, count;
  int64_t bounds[kMostBounds];

  __device__ __forceinline__ bool decays(int64_t i) const {
    int64_t low = 0, high = count;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (bounds[middle] <= i)
        low = middle + 1;
      else
        high = middle;
    }
    return low % 2 != 0;
  }
};

template <class Rule>
__global__ void update(const Step* step, Buffers<2 + Rule::slots> buffers, OptimizerParams p,
                       Span span) {
  constexpr int kBuffers = 2 + Rule::slots;
  if (!updates(step->hyper, p.accumulation_steps)) return;
  __shared__ float scalars[kStepScalars];
  if (threadIdx.x == 0) find_scalars<Rule>(p, step->hyper, scalars);
  __syncthreads();
  const Rule rule(p);
  const UpdateStep now = step_of(scalars);
  each_element(span.end - span.begin, [&](int64_t k) {
    const int64_t i = span.begin + k;
    Vec v[kBuffers];
    for (int b = 0; b < kBuffers; ++b) v[b] = load(buffers.data[b] + i);
    if (span.decays(i)) decay(p, now, v[0]);
    rule(now, v);
    for (int b = 0; b < kBuffers; ++b)
      if (b != 1) store(buffers.data[b] + i, v[b]);
  });
}

template <class Rule>
void launch_update(const Call& a, const Rule&) {
  const auto& p = a.as<OptimizerParams>();
  Buffers<2 + Rule::slots> buffers;
  for (int b = 0; b < 2 + Rule::slots; ++b) buffers.data[b] = a.f32(b);
  const int64_t* bounds = a.list<OptimizerParams>();
  int64_t left = 2 * p.decay_ranges;
  Span span{};
  do {
    span.count = std::min(left, kMostBounds);
    std::copy_n(bounds, span.count, span.bounds);
    bounds += span.count;
    left -= span.count;
    span.end = left ? bounds[-1] : p.size;
    launch(update<Rule>, blocks_for(div_up(span.end - span.begin, kPerThread)), kThreads, a.stream,
           a.step, buffers, p, span);
    span.begin = span.end;
  } while (left);
}

template <class Params, class Rule>
__global__ void change_both(const Step* step, Buffers<2> buffers, Params p) {
  const Rule rule = Rule::of(p, step->hyper);
  each_element(p.size, [&](int64_t i) {
    Vec v[2] = {load(buffers.data[0] + i), load(buffers.data[1] + i)};
    rule(v);
    for (int b = 0; b < 2; ++b)
      if (rule.written() >> b & 1) store(buffers.data[b] + i, v[b]);
  });
}

template <class Params, class Rule>
void launch_both(const Call& a) {
  const auto& p = a.as<Params>();
  launch(change_both<Params, Rule>, blocks_for(div_up(p.size, kPerThread)), kThreads, a.stream,
         a.step, Buffers<2>{{a.f32(0), a.f32(1)}}, p);
}

}  // namespace

void sgd(const Call& a) {
  with_sgd(a.as<OptimizerParams>(), [&](const auto& rule) { launch_update(a, rule); });
}
void adam(const Call& a) {
  with_adam(a.as<OptimizerParams>(), [&](const auto& rule) { launch_update(a, rule); });
}
void rmsprop(const Call& a) {
  with_rmsprop(a.as<OptimizerParams>(), [&](const auto& rule) { launch_update(a, rule); });
}
void adamax(const Call& a) { launch_update(a, Adamax(a.as<OptimizerParams>())); }
void nadam(const Call& a) { launch_update(a, Nadam(a.as<OptimizerParams>())); }
void lion(const Call& a) { launch_update(a, Lion(a.as<OptimizerParams>())); }
void adagrad(const Call& a) { launch_update(a, Adagrad(a.as<OptimizerParams>())); }
void adadelta(const Call& a) { launch_update(a, Adadelta(a.as<OptimizerParams>())); }

void gradient_accumulate(const Call& a) { launch_both<GradientAccumulateParams, Accumulation>(a); }
void ema(const Call& a) { launch_both<EmaParams, WeightAverage>(a); }

}  // namespace convnet::cuda
