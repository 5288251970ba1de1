#pragma once

#include <cstdint>

namespace convnet {

// Images of one shard, channels in lanes: [16][height][width][pitch], pitch = C rounded up to 16,
// zero in the padding. lists: for each (output channel, sample) the places and gradients that max
// pooling and a ReLU left alive.
struct SparseParams {
  int64_t outer, H, W, C;      // the convolution's input
  int64_t OC, KH, KW, OH, OW;  // OH, OW: its result
  int64_t PH, PW;              // windows of a 2x2 max pool; 0: gradients are given for all pixels
  int64_t top, left;
  int64_t relu;  // whether gradients end where the result is not positive

  int64_t pitch() const { return (C + 15) / 16 * 16; }
  int64_t height() const { return OH + KH - 1; }
  int64_t width() const { return OW + KW - 1; }
  int64_t image() const { return height() * width() * pitch(); }
  // Of the convolution, as if all pixels counted.
  int64_t operations() const { return 2 * outer * OH * OW * OC * KH * KW * C; }
  // A list: count, nothing, then pairs of a place (floats from the image's start) and a gradient.
  int64_t most() const { return PH ? PH * PW : OH * OW; }
  int64_t list() const { return 2 * most() + 2; }
};

}  // namespace convnet
