// Philox4x32-10 for the 16 samples of a shard, or 16 blocks of features of one sample, at once. The
// counter is (sample, block of four features, step, node), so that draws depend on nothing but what
// they are for.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/kernels/philox_rounds.h"
#include "cpu/simd/numbers.h"

namespace convnet::CONVNET_ISA {

struct Product {
  CONVNET_INLINE void operator()(const Numbers& x, uint32_t factor, Numbers& high,
                                 Numbers& low) const {
    product(x, factor, high, low);
  }
};

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
  philox_rounds(x0, x1, x2, x3, step.seed, Product{});
  r[0] = x0, r[1] = x1, r[2] = x2, r[3] = x3;
}

}  // namespace convnet::CONVNET_ISA
