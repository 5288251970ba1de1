#pragma once

#include <cstdint>

namespace convnet {

// What sparse_input lists at a time: output channels, more of them of single pixels than of
// windows, where more are alive, and windows or pixels. Each has a list for each of 16 samples: how
// many channels are alive of each pixel, all gradients, and the channels that are alive, which may
// be overrun by a vector.
constexpr int64_t kWindowChannels = 48, kPixelChannels = 96, kListedWindows = 8;

// Images of one shard, channels in lanes: [16][height][width][pitch], pitch = C rounded up to 16,
// zero in the padding. lists: for each (output channel, sample) the places and gradients that max
// pooling and a ReLU left alive.
struct SparseParams {
  int64_t outer, H, W, C;      // the convolution's input
  int64_t OC, KH, KW, OH, OW;  // OH, OW: its result
  int64_t PH, PW;              // windows of a 2x2 max pool; 0: gradients are given for all pixels
  int64_t top, left;
  int64_t alive;    // pixels of an image that carry gradient, at most
  bool relu;        // the input is the result of a ReLU, whose gradient is taken as well
  bool relu_after;  // a ReLU follows the convolution, whose gradient is taken as well

  int64_t pitch() const { return (C + 15) / 16 * 16; }
  int64_t height() const { return OH + KH - 1; }
  int64_t width() const { return OW + KW - 1; }
  int64_t image() const { return height() * width() * pitch(); }
  // Of the convolution, as if all pixels counted.
  int64_t operations() const { return 2 * outer * OH * OW * OC * KH * KW * C; }
  // Windows, or pixels where there is no pool.
  int64_t most() const { return PH ? PH * PW : OH * OW; }
  // A list: count, then places (floats from the image's start), then gradients. Both may be overrun
  // by a vector.
  int64_t list_part() const { return alive + 16; }
  int64_t list() const { return 16 + 2 * list_part(); }
  // For sparse_input.
  int64_t listed_channels() const { return PH ? kWindowChannels : kPixelChannels; }
  int64_t window_list() const { return 16 + listed_channels() + (listed_channels() + 16); }
  // Weights of an output channel under a row of the kernel, or as many pixels of an image.
  int64_t row() const { return KW * pitch(); }
};

// The largest pixels of an output channel: where those of each of 16 samples end, then all of them
// in this order.
struct Extreme {
  int32_t pixel;  // counted through the images of all samples
  float gradient;
};
struct Extremes {
  int32_t ends[16];
  Extreme pixels[1];  // any number

  static constexpr int64_t floats(int64_t most) { return 16 + 2 * 16 * most; }
  int64_t begin(int64_t sample) const { return sample ? ends[sample - 1] : 0; }
  int64_t end(int64_t sample) const { return ends[sample]; }
};

}  // namespace convnet
