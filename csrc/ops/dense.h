#pragma once

#include "ops/activation.h"

namespace convnet {

// x [rows][K][16], w [K][M], b [M] -> y [rows][M][16]; rows: folds and leading axes of one shard.
struct DenseParams {
  int64_t rows, K, M;
  Activation activation;
  bool thin;              // of one sample, with inputs in lanes
  int64_t chunks, chunk;  // where thin: sums over so many chunks of `chunk` inputs are made first
};

constexpr int64_t kDenseUnit = 24;       // outputs of a unit: a multiple of every tile
constexpr int64_t kDenseUnitOfOne = 64;  // the same where outputs lie in lanes
constexpr int64_t kThinOutputs = 12;     // outputs that fill a vector worse than many inputs do
constexpr int64_t kThinInputs = 256;
constexpr int64_t kThinChunk = 384;       // inputs of a chunk at most
constexpr int64_t kDenseWeightUnit = 12;  // rows of dw of a unit
constexpr int64_t kThinWeightUnit = 64;   // the same where they lie in lanes

}  // namespace convnet
