// Walks the columns of an op along an axis; see ops/axis.h.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/axis.h"

namespace convnet::CONVNET_ISA {

template <bool set>
struct Flag {
  static constexpr bool value = set;
};

// Calls column(whole, outer, at, lanes) for each vector of neighbours: `at` is its offset within
// [n][inner], `lanes` how many of its lanes there are, whole.value whether that is all of them.
template <class Column>
CONVNET_INLINE void each_column(const KernelArgs& a, const AxisParams& p, Column column) {
  const int64_t width = div_up(p.inner, kLanes);
  const int64_t end = least(a.end * p.block, p.outer * width);
  for (int64_t c = a.begin * p.block; c < end; ++c) {
    const int64_t outer = c / width, begin = c % width * kLanes;
    const int64_t limit = least(begin + kLanes, p.inner);
    int64_t at = begin;
    for (; at + kWidth <= limit; at += kWidth) column(Flag<true>{}, outer, at, kWidth);
    if (at < limit) column(Flag<false>{}, outer, at, limit - at);
  }
}

}  // namespace convnet::CONVNET_ISA
