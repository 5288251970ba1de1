#pragma once

#include <cstdint>

namespace convnet {

// Images of one shard, channels in lanes: [16][height][width][pitch], pitch = C rounded up to 16,
// zero in the padding. lists: for each (output channel, sample) the places and gradients that a 2x2
// max pool and a ReLU left alive.
struct SparseParams {
  int64_t outer, H, W, C;      // the convolution's input
  int64_t OC, KH, KW, PH, PW;  // PH, PW: pooled size
  int64_t top, left;

  int64_t pitch() const { return (C + 15) / 16 * 16; }
  int64_t height() const { return 2 * PH + 1 + KH - 1; }
  int64_t width() const { return 2 * PW + 1 + KW - 1; }
  int64_t image() const { return height() * width() * pitch(); }
  // A list: count, then places (floats from the image's start), then gradients.
  int64_t list() const { return 2 * PH * PW + 16; }
};

}  // namespace convnet
