#pragma once

#include <cstdint>

namespace convnet {

// x [outer][features][16] against [features]: sums over samples and outer axes, and their gradient.
struct BatchParams {
  int64_t outer, features;
  bool mean;
};

struct AssignParams {
  int64_t size;
};

}  // namespace convnet
