// What the kernels of batch normalisation share.
#pragma once

#include "cpu/kernels/tail.h"
#include "ops/batch_norm.h"

namespace convnet::CONVNET_ISA {

// Floats of a row of n numbers in scratch: whole vectors may be read.
CONVNET_INLINE int64_t round_up_lanes(int64_t n) { return div_up(n, kLanes) * kLanes; }

// out[c] = rule(c as an index of whole or partial vectors) for channels [0, n).
template <class Rule>
CONVNET_INLINE void each_channel(float* out, int64_t n, Rule rule) {
  for (int64_t c = 0; c < n; c += kWidth) store_some(out + c, n - c, rule(c, n - c));
}

// 1 / sqrt(variance + epsilon) of channels from c on.
CONVNET_INLINE Vec inverse_deviation(const float* variance, int64_t c, int64_t n, float epsilon) {
  return set1(1.0f) / sqrt(load_some(variance + c, n) + set1(epsilon));
}

// work.operator()<N>(c): channels in groups of 8, 4 and 1, from `begin` to `end`.
template <class Work>
CONVNET_INLINE void in_groups(int64_t begin, int64_t end, Work work) {
  int64_t c = begin;
  for (; c + 8 <= end; c += 8) work.template operator()<8>(c);
  for (; c + 4 <= end; c += 4) work.template operator()<4>(c);
  for (; c < end; ++c) work.template operator()<1>(c);
}

}  // namespace convnet::CONVNET_ISA
