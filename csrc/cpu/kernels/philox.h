// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) for the 16
// samples of a shard at once. The counter is (sample, block of four features, step, node), so that
// draws depend on nothing but what they are for.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

// Four numbers for each sample: r[i][lane].
CONVNET_INLINE void philox(uint32_t (&r)[4][kLanes], const StepInfo& step, uint32_t node,
                           int64_t shard, int64_t block) {
  for (int64_t l = 0; l < kLanes; ++l) {
    r[0][l] = static_cast<uint32_t>(shard * kLanes + l);
    r[1][l] = static_cast<uint32_t>(block);
    r[2][l] = static_cast<uint32_t>(step.step);
    r[3][l] = node;
  }
  uint32_t key0 = static_cast<uint32_t>(step.seed), key1 = static_cast<uint32_t>(step.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const uint64_t a = uint64_t{0xD2511F53u} * r[0][l], b = uint64_t{0xCD9E8D57u} * r[2][l];
      const uint32_t r1 = r[1][l], r3 = r[3][l];
      r[0][l] = static_cast<uint32_t>(b >> 32) ^ r1 ^ key0;
      r[1][l] = static_cast<uint32_t>(b);
      r[2][l] = static_cast<uint32_t>(a >> 32) ^ r3 ^ key1;
      r[3][l] = static_cast<uint32_t>(a);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

}  // namespace convnet::CONVNET_ISA
