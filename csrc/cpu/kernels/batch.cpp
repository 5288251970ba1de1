// Sums over the samples of a batch, shard after shard, and their gradient.
#include "ops/batch.h"

#include "cpu/kernels/lanes.h"
#include "cpu/kernels/sample_sum.h"

namespace convnet::CONVNET_ISA {

namespace {

void reduce_batch(const KernelArgs& a) {
  const auto& p = a.as<BatchParams>();
  const float samples = static_cast<float>(a.step->batch * p.outer);
  if (a.lanes == 1) {
    for (int64_t f = a.begin; f < a.end; f += kWidth) {
      const Vec total = sum_of_samples(a, p.outer, p.features, f, a.end - f);
      store_some(a.f32(1) + f, a.end - f, p.mean ? total / samples : total);
    }
    return;
  }
  for (int64_t f = a.begin; f < a.end; ++f) {
    Vec sums[kVectors];
    for (int v = 0; v < kVectors; ++v) sums[v] = zero();
    for (int64_t shard = 0; shard < a.step->shards; ++shard) {
      const float* x = a.f32(0) + shard * a.stride[0] + f * kLanes;
      for (int64_t o = 0; o < p.outer; ++o)
        for (int v = 0; v < kVectors; ++v)
          sums[v] = sums[v] + keep(live_mask(a.live(shard), v * kWidth),
                                   load(x + o * p.features * kLanes + v * kWidth));
    }
    float total = 0;
    for (int v = 0; v < kVectors; ++v) total += sum(sums[v]);
    a.f32(1)[f] = p.mean ? total / samples : total;
  }
}

}  // namespace

void batch_sum(const KernelArgs& a) { reduce_batch(a); }
void batch_mean(const KernelArgs& a) { reduce_batch(a); }

void batch_broadcast(const KernelArgs& a) {
  const auto& p = a.as<BatchParams>();
  const float scale = p.mean ? 1.0f / static_cast<float>(a.step->batch * p.outer) : 1.0f;
  const int64_t live = a.live(a.shard()), end = least(a.end * 64, p.outer * p.features);
  for (int64_t i = a.begin * 64; i < end; ++i) {
    const Vec g = set1(a.f32(0)[i % p.features] * scale);
    if (a.lanes == 1) {
      Narrow::put(a.f32(2) + i, g);
      continue;
    }
    for (int v = 0; v < kVectors; ++v)
      store(a.f32(2) + i * kLanes + v * kWidth, keep(live_mask(live, v * kWidth), g));
  }
}

void assign(const KernelArgs& a) {
  if (a.begin == 0)
    std::memmove(a.data[0], a.data[1],
                 static_cast<size_t>(a.as<AssignParams>().size) * sizeof(float));
}

}  // namespace convnet::CONVNET_ISA
