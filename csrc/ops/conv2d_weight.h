// How the gradient of a convolution for its weights is computed, and cut into units of work.
#pragma once

#include "ops/conv2d.h"

namespace convnet {

struct Conv2dWeightParams : Conv2dParams {
  // Output channels lie in lanes; otherwise samples do.
  bool channels_in_lanes;
  // There are more weights than values of a shard: all shards are summed at once, not into slots.
  bool whole_batch;

  // Rows of dw: one for each tap and input channel of a group.
  int64_t streams() const { return taps() * in_group(); }
};

// By Winograd's algorithm: units are blocks of input channels and of output channels, large enough
// for what is transformed to be used often, yet some for every thread. The tiles of a block are
// transformed together.
struct WinogradWeightBlocks {
  static constexpr int64_t kTiles = 8, kMostIn = 96, kMostOut = 96, kLeast = 32, kUnits = 4;
  int64_t C, OC, in, out;  // channels, and the blocks that they are cut into

  WinogradWeightBlocks(int64_t C, int64_t OC)
      : C(C), OC(OC), in(1 + (C - 1) / kMostIn), out(1 + (OC - 1) / kMostOut) {
    while (in * out < kUnits && (C >= 2 * kLeast * in || OC >= 2 * kLeast * out))
      ++(C * out > OC * in ? in : out);
  }
  int64_t count() const { return in * out; }
  int64_t lanes() const { return (OC + 15) / 16; }
  int64_t first_in(int64_t block) const { return C * block / in; }
  int64_t first_out(int64_t block) const { return lanes() * block / out * 16; }
  int64_t most_in() const { return (C + in - 1) / in; }
  int64_t most_out() const { return (lanes() + out - 1) / out * 16; }
  // Floats from one point to the next: of x and dy of a block's tiles, and of the sums. A line more
  // than their size, so that points do not share cache sets.
  int64_t x_step() const { return kTiles * most_in() * 16 + 16; }
  int64_t dy_step() const { return kTiles * most_out() * 16 + 16; }
  int64_t sum_step() const { return most_in() * most_out() + 16; }
  int64_t scratch(int64_t points) const {
    return points * (x_step() + dy_step() + sum_step() + 16 * 16);
  }
};

constexpr int64_t kWeightUnit = 6;  // output channels of a unit, samples in lanes
// The same with channels in lanes, and the rows of dw that a unit has at least.
constexpr int64_t kWeightLanes = 32, kWeightStreams = 96;
constexpr int64_t kWeightPixels = 64;  // of a block, whose dy is transposed

}  // namespace convnet
