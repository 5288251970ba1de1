// Philox4x32-10 for the 16 samples of a shard, or 16 blocks of features of one sample, at once. The
// counter is (sample, block of four features, step, node), so that draws depend on nothing but what
// they are for.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/kernels/philox_rounds.h"
#include "cpu/simd/numbers.h"

namespace convnet::CONVNET_ISA {

// Four numbers for each lane: r[i] of lanes. Lane l is sample `sample` + l, or with `across` block
// `block` + l.
CONVNET_INLINE void philox(Numbers (&r)[4], const StepInfo& step, uint32_t node, int64_t sample,
                           int64_t block, bool across = false) {
  const uint32_t of = static_cast<uint32_t>(sample), at = static_cast<uint32_t>(block);
  r[0] = across ? same(of) : counted(of);
  r[1] = across ? counted(at) : same(at);
  r[2] = same(static_cast<uint32_t>(step.step));
  r[3] = same(node);
  philox_rounds(r[0], r[1], r[2], r[3], step.seed, Product{});
}

}  // namespace convnet::CONVNET_ISA
