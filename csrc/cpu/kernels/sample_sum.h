// Sums over shards of one sample, features in lanes.
#pragma once

#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

// Sums of features [f, f + n) of operand 0, [outer][features] a shard, over all shards and `outer`;
// n: what is left of the features.
CONVNET_INLINE Vec sum_of_samples(const KernelArgs& a, int64_t outer, int64_t features, int64_t f,
                                  int64_t n) {
  Vec total = zero();
  for (int64_t shard = 0; shard < a.step->shards; ++shard) {
    const float* x = a.f32(0) + shard * a.stride[0] + f;
    for (int64_t o = 0; o < outer; ++o) total = total + load_some(x + o * features, n);
  }
  return total;
}

}  // namespace convnet::CONVNET_ISA
