// Kernels for shards of one sample, whose channels or units lie in lanes. Weights are read where
// they lie: a row of them holds what one input gives to all outputs.
#pragma once

#include "cpu/kernel.h"
#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// Whether the shards of a call are a fixed number of shards apart.
CONVNET_INLINE bool lie_evenly(const KernelArgs& a) {
  for (int64_t i = 2; i < a.shard_count; ++i)
    if (a.shards[i] - a.shards[i - 1] != a.shards[1] - a.shards[0]) return false;
  return true;
}

void conv2d_of_one(const KernelArgs& a);
void dense_of_one(const KernelArgs& a);
void dense_backward_input_of_one(const KernelArgs& a);
void dense_backward_weight_of_one(const KernelArgs& a);
void rnn_backward_weight_of_one(const KernelArgs& a);

}  // namespace convnet::CONVNET_ISA
