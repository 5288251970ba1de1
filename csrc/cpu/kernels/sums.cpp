// Sums over samples. Slots are added in a fixed tree (pairs, then pairs of pairs), so that bits do
// not depend on who filled them.
#include "ops/sums.h"

#include "cpu/kernels/sample_sum.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int64_t kMostTerms = 64;
constexpr int kFeatures = 8 / kVectors;  // side by side, as additions take time

// Sums terms[0 .. n) elementwise over one vector; n at most kMostTerms.
CONVNET_INLINE Vec tree(Vec* terms, int64_t n) {
  while (n > 1) {
    for (int64_t i = 0; i < n / 2; ++i) terms[i] = terms[2 * i] + terms[2 * i + 1];
    if (n % 2) terms[n / 2] = terms[n - 1];
    n = (n + 1) / 2;
  }
  return terms[0];
}

// Sums of N features from `f` on, over the samples of a shard.
template <int N>
CONVNET_INLINE void sum_features(const KernelArgs& a, const SumSamplesParams& p, int64_t f) {
  const float* x = a.f32(0) + f * kLanes;
  Vec sums[N][kVectors];
  CONVNET_EACH(i, N)
    CONVNET_EACH(v, kVectors) sums[i][v] = zero();
  for (int64_t o = 0; o < p.outer; ++o)
    CONVNET_EACH(i, N)
      CONVNET_EACH(v, kVectors)
        sums[i][v] = sums[i][v] + load(x + (o * p.features + i) * kLanes + v * kWidth);
  const int64_t live = a.live(a.shard());
  float* out = a.f32(1) + f;
  for (int i = 0; i < N; ++i) {
    float total = 0;
    for (int v = 0; v < kVectors; ++v) total += sum(keep(live_mask(live, v * kWidth), sums[i][v]));
    out[i] = a.accumulate ? out[i] + total : total;
  }
}

}  // namespace

void slot_sum(const KernelArgs& a) {
  const auto& p = a.as<SlotSumParams>();
  const int64_t begin = a.begin * p.block, end = least(a.end * p.block, p.size);
  float* out = a.f32(p.inputs);
  Vec terms[kMostTerms];
  for (int64_t i = begin; i < end; i += kWidth) {
    const int64_t n = least(kWidth, end - i);
    float tail[kWidth] = {};
    Vec total = zero();
    for (int32_t input = 0; input < p.inputs; ++input) {
      const int64_t slots = p.slotted[input] ? a.step->slots : 1;
      for (int64_t s = 0; s < slots; ++s) {
        const float* x = a.f32(input) + s * a.stride[input] + i;
        if (n < kWidth) {
          for (int64_t j = 0; j < n; ++j) tail[j] = x[j];
          x = tail;
        }
        terms[s] = load(x);
      }
      const Vec sum = tree(terms, slots);
      total = input == 0 ? sum : total + sum;
    }
    if (n == kWidth) {
      store(out + i, total);
      continue;
    }
    store(tail, total);
    for (int64_t j = 0; j < n; ++j) out[i + j] = tail[j];
  }
}

void sum_samples(const KernelArgs& a) {
  const auto& p = a.as<SumSamplesParams>();
  const int64_t end = least(a.end * 16, p.features);
  if (a.lanes == 1) {
    for (int64_t f = a.begin * 16; f < end; f += kWidth)
      store_some(a.f32(1) + f, end - f, sum_of_samples(a, p.outer, p.features, f, end - f));
    return;
  }
  int64_t f = a.begin * 16;
  for (; f + kFeatures <= end; f += kFeatures) sum_features<kFeatures>(a, p, f);
  for (; f + 2 <= end; f += 2) sum_features<2>(a, p, f);
  if (f < end) sum_features<1>(a, p, f);
}

void live_only(const KernelArgs& a) {
  const auto& p = a.as<SumSamplesParams>();
  const int64_t live = a.live(a.shard()), end = least(a.end * 256, p.features);
  if (a.lanes == 1) {
    for (int64_t f = a.begin * 256; f < end; ++f) a.f32(1)[f] = a.f32(0)[f];
    return;
  }
  for (int64_t f = a.begin * 256; f < end; ++f)
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = f * kLanes + v * kWidth;
      store(a.f32(1) + at, keep(live_mask(live, v * kWidth), load(a.f32(0) + at)));
    }
}

}  // namespace convnet::CONVNET_ISA
