#pragma once

#include <cstdint>

namespace convnet {

// slot_sum: elements of the result, and for each input whether it is Slotted.
struct SlotSumParams {
  int64_t size, block;
  int32_t inputs;
  bool slotted[24];
};

// sum_samples: x [fold][outer][features] -> [features], summed over samples, folds and the outer
// axes.
struct SumSamplesParams {
  int64_t outer, features;
};

}  // namespace convnet
