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

constexpr int64_t kWeightUnit = 6;  // output channels of a unit, samples in lanes
// The same with channels in lanes, and the rows of dw that a unit has at least.
constexpr int64_t kWeightLanes = 32, kWeightStreams = 96;
constexpr int64_t kWeightPixels = 64;  // of a block, whose dy is transposed

}  // namespace convnet
