#pragma once

#include "ops/strides.h"

namespace convnet {

constexpr int64_t kMatmulRows = 4;  // rows of a unit

// Stacks of products y [M, N] = a [M, K] b [K, N]. Of operand `i`, row_stride and column_stride
// count floats; `stack` says where the matrices of each product lie.
struct MatmulParams {
  int64_t M, N, K;
  int64_t row_stride[2], column_stride[2];
  bool batched[2];
  Strides stack;
};

}  // namespace convnet
