// How convolutions of few channels a group are computed: see cpu/kernels/conv2d_depthwise.h.
#pragma once

#include "ops/conv2d.h"

namespace convnet {

// Channels of a group, read or made, at most; one block of packed weights holds them.
constexpr int64_t kFewChannels = 3;
constexpr int64_t kDepthwiseBlock = 64;  // result channels whose sums are kept at once

// What kernels list, in scratch memory.
struct DepthwiseScratch {
  // Taps that lie side by side: the source column of the first one, and its place in the kernel.
  struct Taps {
    int64_t column, kernel;
  };
  // A row of the source for two rows of the result: where its first column is read, which one that
  // is, the first weight for each of the two, -1 for none, and a bit for each column inside.
  struct Line {
    int64_t x, column, weight[2];
    uint32_t inside;
  };
  Line* lines;
  Taps* taps;
  float* sums;  // of the gradient of the weights

  DepthwiseScratch(const Conv2dParams& p, void* scratch)
      : lines(static_cast<Line*>(scratch)),
        taps(reinterpret_cast<Taps*>(lines + most_lines(p))),
        sums(reinterpret_cast<float*>(static_cast<char*>(scratch) + list_bytes(p))) {}

  static int64_t most_lines(const Conv2dParams& p) {
    return 2 * p.taps() * (p.in_group() > p.out_group() ? p.in_group() : p.out_group());
  }
  static int64_t list_bytes(const Conv2dParams& p) {
    const int64_t bytes = most_lines(p) * static_cast<int64_t>(sizeof(Line)) +
                          p.KW * static_cast<int64_t>(sizeof(Taps));
    return (bytes + 63) / 64 * 64;
  }
};

}  // namespace convnet
