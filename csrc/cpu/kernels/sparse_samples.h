// Units of kernels that make gradient images: the samples of a shard.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/conv2d_sparse.h"

namespace convnet::CONVNET_ISA {

// Clears the images and calls f(outer, its images, first sample, last one) for those to add to.
template <class F>
CONVNET_INLINE void for_samples(const KernelArgs& a, const SparseParams& p, float* all, F f) {
  const int64_t live = a.live(a.shard());
  for (int64_t unit = a.begin; unit < a.end;) {
    const int64_t outer = unit / kLanes, from = unit % kLanes,
                  to = least(kLanes, from + a.end - unit);
    // Each piece has its share of the live samples; images of the others are zero.
    const int64_t begin = cut(live, kLanes, from), end = cut(live, kLanes, to);
    float* images = all + outer * kLanes * p.image();
    const auto clear = [&](int64_t first, int64_t last) {
      for (int64_t i = first * p.image(); i < last * p.image(); i += kWidth)
        store(images + i, zero());
    };
    clear(begin, end);
    clear(live + from - begin, live + to - end);
    f(outer, images, begin, end);
    unit += to - from;
  }
}

}  // namespace convnet::CONVNET_ISA
