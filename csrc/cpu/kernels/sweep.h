// One pass over flat buffers of equal size, a vector of each at a time.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

// rule(v) for each group of vectors v[0 .. N) of elements [begin, end) of `buffers`; buffers whose
// bit in `written` is set take what the rule leaves. The last elements go through a vector as well:
// the same operations, the same bits.
template <int N, class Rule>
CONVNET_INLINE void sweep(float* const (&buffers)[N], uint32_t written, int64_t begin, int64_t end,
                          Rule rule) {
  Vec v[N];
  int64_t i = begin;
  for (; i + kWidth <= end; i += kWidth) {
    CONVNET_EACH(b, N) v[b] = load(buffers[b] + i);
    rule(v);
    CONVNET_EACH(b, N)
      if (written >> b & 1) store(buffers[b] + i, v[b]);
  }
  if (i == end) return;
  float tail[N][kWidth] = {};
  for (int b = 0; b < N; ++b) {
    for (int64_t j = i; j < end; ++j) tail[b][j - i] = buffers[b][j];
    v[b] = load(tail[b]);
  }
  rule(v);
  for (int b = 0; b < N; ++b) {
    if (!(written >> b & 1)) continue;
    store(tail[b], v[b]);
    for (int64_t j = i; j < end; ++j) buffers[b][j] = tail[b][j - i];
  }
}

}  // namespace convnet::CONVNET_ISA
