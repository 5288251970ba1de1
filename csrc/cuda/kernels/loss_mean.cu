// Weighted means over a batch: a pair for each sample, added up by one block.
#include "ops/loss_mean.h"

#include "cuda/block.h"

namespace convnet::cuda {

namespace {

// A block for each sample.
__global__ void pairs(const float* x, const float* w, float* out, int64_t samples,
                      LossMeanParams p) {
  each_row_of_block(samples, [&](int64_t sample) {
    float total = 0, weight = 0;
    for (int64_t i = threadIdx.x; i < p.rows * p.inner; i += kThreads) {
      const float value = x[sample * p.rows * p.inner + i];
      total = w ? fmaf(w[sample * p.rows + i / p.inner], value, total) : total + value;
    }
    if (w)
      for (int64_t i = threadIdx.x; i < p.rows; i += kThreads) weight += w[sample * p.rows + i];
    total = sum_over_block(total), weight = sum_over_block(weight);
    if (threadIdx.x) return;
    const double features = static_cast<double>(p.rows * p.inner);
    out[2 * sample] = static_cast<float>(p.scale * static_cast<double>(total) / features);
    out[2 * sample + 1] = w ? weight / static_cast<float>(p.rows) : 1.0f;
  });
}

__global__ void spread(const float* w, float* dx, int64_t n, int64_t inner, float share) {
  each_element(n, [&](int64_t i) { dx[i] = w ? share * w[i / inner] : share; });
}

__global__ void add_up(const float* in, double* sum, int64_t samples, AccumulateParams p) {
  double total = 0, count = 0;
  if (!p.single)
    for (int64_t i = threadIdx.x; i < samples; i += kThreads)
      total += static_cast<double>(in[2 * i]), count += static_cast<double>(in[2 * i + 1]);
  total = sum_over_block(total), count = sum_over_block(count);
  if (threadIdx.x) return;
  const double all = static_cast<double>(samples);
  sum[0] += p.single ? static_cast<double>(in[0]) * all : total;
  sum[1] += p.single || p.count_samples ? all : count;
}

void mean_of_samples(const Call& a) {
  launch(pairs, blocks_for_rows(a.samples), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(2), a.samples, a.as<LossMeanParams>());
}

}  // namespace

void loss_mean(const Call& a) { mean_of_samples(a); }
void metric_mean(const Call& a) { mean_of_samples(a); }

void loss_mean_backward(const Call& a) {
  const auto& p = a.as<LossMeanParams>();
  const int64_t features = p.rows * p.inner, n = a.samples * features;
  const auto share = static_cast<float>(p.scale / static_cast<double>(features * a.batch));
  launch(spread, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(1)), a.f32(2),
         n, p.inner, share);
}

void accumulate(const Call& a) {
  launch(add_up, 1, kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<double*>(a.data[1]), a.batch, a.as<AccumulateParams>());
}

}  // namespace convnet::cuda
