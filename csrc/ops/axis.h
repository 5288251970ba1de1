#pragma once

#include <cstdint>

namespace convnet {

// x seen as [outer][n][inner] floats, lanes being part of `inner`. Work is cut into columns of up
// to 16 neighbours of `inner`; a unit is `block` of them.
struct AxisParams {
  int64_t outer, n, inner, block;
  bool flag;  // log_softmax rather than softmax, argmin, a reversed cumsum
};

}  // namespace convnet
