#pragma once

#include <cstdint>

namespace convnet {

// x [rows][channels]; rows: folds and all axes but the last.
struct BatchNormParams {
  int64_t rows, channels, rows_per_unit;
  float epsilon;
  int32_t mean;  // operand that holds the mean; the variance follows
};

struct BatchNormUpdateParams {
  int64_t channels;
  float momentum;
};

constexpr int64_t kBatchNormChannels = 8;   // of a unit that sums over rows
constexpr int64_t kBatchNormCombined = 16;  // channels of a unit that sums over shards
constexpr int64_t kBatchNormBlock = 512;    // features of a unit that walks over rows, about

}  // namespace convnet
