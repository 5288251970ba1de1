// Philox4x32-10 for the 16 samples of a shard, or 16 blocks of features of one sample, at once. The
// counter is (sample, block of four features, step, node), so that draws depend on nothing but what
// they are for.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/kernels/philox_rounds.h"

namespace convnet::CONVNET_ISA {

// A number for each sample, in the compiler's generic vectors. They are handed on by reference: how
// they are returned depends on the instruction set.
typedef uint32_t Numbers __attribute__((vector_size(kLanes * sizeof(uint32_t))));
typedef uint64_t Products __attribute__((vector_size(kLanes * sizeof(uint64_t))));

struct HighProduct {
  CONVNET_INLINE void operator()(const Numbers& x, uint32_t factor, Numbers& high) const {
    high = __builtin_convertvector(__builtin_convertvector(x, Products) * uint64_t{factor} >> 32,
                                   Numbers);
  }
};

// Four numbers for each lane: r[i][lane]. Lane l is sample `sample` + l, or with `across` block
// `block` + l.
CONVNET_INLINE void philox(uint32_t (&r)[4][kLanes], const StepInfo& step, uint32_t node,
                           int64_t sample, int64_t block, bool across = false) {
  Numbers x0, x1, x2, x3;
  for (int l = 0; l < kLanes; ++l) {
    x0[l] = static_cast<uint32_t>(sample + (across ? 0 : l));
    x1[l] = static_cast<uint32_t>(block + (across ? l : 0));
    x2[l] = static_cast<uint32_t>(step.step);
    x3[l] = node;
  }
  philox_rounds(x0, x1, x2, x3, step.seed, HighProduct{});
  std::memcpy(r[0], &x0, sizeof x0);
  std::memcpy(r[1], &x1, sizeof x1);
  std::memcpy(r[2], &x2, sizeof x2);
  std::memcpy(r[3], &x3, sizeof x3);
}

}  // namespace convnet::CONVNET_ISA
