#pragma once

#include <cstdint>

namespace convnet {

// values [rows][inner][16], weights [rows][16] or none (rows = 1).
struct LossMeanParams {
  int64_t rows, inner;
  double scale;
};

// Features of a unit of loss_mean_backward.
constexpr int64_t kLossMeanBlock = 64;

struct AccumulateParams {
  bool single;         // the input is a scalar, not a pair for each shard
  bool count_samples;  // count live samples instead of summing what the shards counted
};

}  // namespace convnet
