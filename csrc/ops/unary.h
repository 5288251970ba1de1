#pragma once

#include "ops/strides.h"

namespace convnet {

enum class Unary : int32_t {
#define CONVNET_UNARY(name, source, value, gradient) name,
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
};

// y[i] = fn(x[i]) for `size` floats: lanes and folds are just more of them. A unit is kElementBlock
// floats.
struct UnaryParams {
  int64_t size;
  Unary fn;
  float alpha, beta, gamma;
};

}  // namespace convnet
