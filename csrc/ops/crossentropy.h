#pragma once

#include <cstdint>

namespace convnet {

// logits and targets [rows][classes], labels and losses [rows]; rows: folds and leading axes of one
// shard.
struct CrossentropyParams {
  int64_t rows, classes;
  float smoothing;  // targets become (1 - smoothing) * target + smoothing / classes
  bool of_targets;  // a backward op gives the gradient of the targets, not of the logits
  bool ignores;     // labels equal to `ignored` give no loss
  float ignored;
};

// Elements of a unit of sigmoid_crossentropy.
constexpr int64_t kCrossentropyBlock = 64;

}  // namespace convnet
