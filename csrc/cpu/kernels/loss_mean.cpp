// Weighted means over live samples. Sums run in blocks, so that their error grows with the square
// root of the length.
#include "ops/loss_mean.h"

#include "cpu/kernels/index.h"
#include "cpu/kernels/lanes.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int64_t kBlock = 64;

// Sum of n vectors, `step` floats apart.
CONVNET_INLINE Vec sum_vectors(const float* x, int64_t n, int64_t step) {
  Vec total = zero();
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t end = least(i + kBlock, n);
    Vec even = zero(), odd = zero();
    int64_t j = i;
    for (; j + 2 <= end; j += 2) {
      even = even + load(x + j * step);
      odd = odd + load(x + (j + 1) * step);
    }
    if (j < end) even = even + load(x + j * step);
    total = total + (even + odd);
  }
  return total;
}

// Sums of n features: of samples in lanes, or in parts of the features of one sample.
struct Samples {
  static constexpr int64_t lanes = kLanes;
  static CONVNET_INLINE Vec sum(const float* x, int64_t n) { return sum_vectors(x, n, kLanes); }
  static CONVNET_INLINE Vec weight(const float* w) { return load(w); }
};
struct Row {
  static constexpr int64_t lanes = 1;
  static CONVNET_INLINE Vec sum(const float* x, int64_t n) {
    const int64_t whole = n / kWidth * kWidth;
    return sum_vectors(x, n / kWidth, kWidth) + load_first(x + whole, n - whole);
  }
  static CONVNET_INLINE Vec weight(const float* w) { return set1(*w); }
};

// Sum over rows of weight times the row's sum.
template <class L>
CONVNET_INLINE Vec weighted_sum(const float* x, const float* w, int64_t rows, int64_t inner) {
  if (!w) return L::sum(x, rows * inner);
  Vec total = zero();
  for (int64_t r = 0; r < rows; r += kBlock) {
    Vec block = zero();
    for (int64_t i = r; i < least(r + kBlock, rows); ++i)
      block = fma(L::weight(w + i * L::lanes), L::sum(x + i * inner * L::lanes, inner), block);
    total = total + block;
  }
  return total;
}

CONVNET_INLINE void mean_of_shard(const KernelArgs& a) {
  const auto& p = a.as<LossMeanParams>();
  const int64_t live = a.live(a.shard());
  const float *x = a.f32(0), *w = a.f32(1);
  float total = 0, weight = 0;
  if (a.lanes == 1) {
    total = sum(weighted_sum<Row>(x, w, p.rows, p.inner));
    if (w) weight = sum(Row::sum(w, p.rows));
  } else {
    for (int v = 0; v < kVectors; ++v) {
      const Mask mask = live_mask(live, v * kWidth);
      const float *xv = x + v * kWidth, *wv = w ? w + v * kWidth : nullptr;
      total += sum(keep(mask, weighted_sum<Samples>(xv, wv, p.rows, p.inner)));
      if (w) weight += sum(keep(mask, Samples::sum(wv, p.rows)));
    }
  }
  const double features = static_cast<double>(p.rows * p.inner);
  a.f32(2)[0] = static_cast<float>(p.scale * total / features);
  a.f32(2)[1] = w ? weight / static_cast<float>(p.rows) : static_cast<float>(live);
}

}  // namespace

void loss_mean(const KernelArgs& a) { mean_of_shard(a); }

void metric_mean(const KernelArgs& a) { mean_of_shard(a); }

void loss_mean_backward(const KernelArgs& a) {
  const auto& p = a.as<LossMeanParams>();
  const int64_t features = p.rows * p.inner, live = a.live(a.shard());
  const int64_t begin = a.begin * kLossMeanBlock, end = least(a.end * kLossMeanBlock, features);
  const double samples = static_cast<double>(features * a.step->batch);
  const Vec share = set1(static_cast<float>(p.scale / samples));
  const float* w = a.f32(1);
  if (a.lanes == 1) {
    for (int64_t f = begin; f < end; ++f)
      Narrow::put(a.f32(2) + f, w ? share * set1(w[f / p.inner]) : share);
    return;
  }
  for (int v = 0; v < kVectors; ++v) {
    const Mask mask = live_mask(live, v * kWidth);
    const Vec plain = keep(mask, share);
    float* dx = a.f32(2) + v * kWidth;
    for (int64_t f = begin, row = begin / p.inner; f < end; ++row) {
      const Vec slope = w ? keep(mask, share * load(w + row * kLanes + v * kWidth)) : plain;
      for (const int64_t stop = least((row + 1) * p.inner, end); f < stop; ++f)
        store(dx + f * kLanes, slope);
    }
  }
}

void accumulate(const KernelArgs& a) {
  const auto& p = a.as<AccumulateParams>();
  double* sum = static_cast<double*>(a.data[1]);
  const double samples = static_cast<double>(a.step->batch);
  if (p.single) {
    sum[0] += static_cast<double>(a.f32(0)[0]) * samples;
    sum[1] += samples;
    return;
  }
  for (int64_t s = 0; s < a.step->shards; ++s) {
    const float* pair = a.f32(0) + s * a.stride[0];
    sum[0] += pair[0];
    if (!p.count_samples) sum[1] += pair[1];
  }
  if (p.count_samples) sum[1] += samples;
}

}  // namespace convnet::CONVNET_ISA
