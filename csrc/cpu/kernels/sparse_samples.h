// Units of kernels that make gradient images: the samples of a shard.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/conv2d_sparse.h"

namespace convnet::CONVNET_ISA {

// Calls f(outer, first sample, last one, whether they are live) for the samples of the units. Each
// piece has its share of the live ones and of the others.
template <class F>
CONVNET_INLINE void for_samples(const KernelArgs& a, F f) {
  const int64_t live = a.live(a.shard());
  for (int64_t unit = a.begin; unit < a.end;) {
    const int64_t outer = unit / kLanes, from = unit % kLanes,
                  to = least(kLanes, from + a.end - unit);
    const int64_t begin = cut(live, kLanes, from), end = cut(live, kLanes, to);
    f(outer, begin, end, true);
    f(outer, live + from - begin, live + to - end, false);
    unit += to - from;
  }
}

}  // namespace convnet::CONVNET_ISA
