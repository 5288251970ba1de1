// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) for the 16
// samples of a shard, or 16 blocks of features of one sample, at once. The counter is (sample,
// block of four features, step, node), so that draws depend on nothing but what they are for.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/simd/numbers.h"

namespace convnet::CONVNET_ISA {

// Four numbers for each lane: r[i] of lanes. Lane l is sample `sample` + l, or with `across` block
// `block` + l.
CONVNET_INLINE void philox(Numbers (&r)[4], const StepInfo& step, uint32_t node, int64_t sample,
                           int64_t block, bool across = false) {
  Numbers x0, x1, x2, x3;
  for (int l = 0; l < kLanes; ++l) {
    x0[l] = static_cast<uint32_t>(sample + (across ? 0 : l));
    x1[l] = static_cast<uint32_t>(block + (across ? l : 0));
    x2[l] = static_cast<uint32_t>(step.step);
    x3[l] = node;
  }
  uint32_t key0 = static_cast<uint32_t>(step.seed), key1 = static_cast<uint32_t>(step.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    constexpr uint32_t kFirst = 0xD2511F53u, kSecond = 0xCD9E8D57u;
    Numbers high0, low0, high2, low2;
    product(x0, kFirst, high0, low0);
    product(x2, kSecond, high2, low2);
    x0 = high2 ^ x1 ^ key0;
    x2 = high0 ^ x3 ^ key1;
    x1 = low2;
    x3 = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  r[0] = x0, r[1] = x1, r[2] = x2, r[3] = x3;
}

}  // namespace convnet::CONVNET_ISA
