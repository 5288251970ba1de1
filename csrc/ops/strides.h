#pragma once

#include <cstdint>

namespace convnet {

constexpr int64_t kElementBlock = 4096;  // floats of a unit: 256 features of a shard
constexpr int kMostAxes = 8;
constexpr int kMostStrided = 3;

// How operands are read to fill `size` floats in a row. Folds and lanes are axes like any other;
// an operand has stride 0 along axes that it is repeated on. Axes that all operands walk in one go
// are merged, so that the innermost one has stride 0 or 1 for each operand of a broadcast.
struct Strides {
  int64_t size;
  int32_t axes;  // at least 1; the last one is the innermost
  int64_t extent[kMostAxes];
  int64_t stride[kMostStrided][kMostAxes];
};

}  // namespace convnet
