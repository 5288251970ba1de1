#pragma once

#include "ops/strides.h"

namespace convnet {

struct BroadcastToParams {
  Strides strides;
  int32_t output;  // operand number of the result: `like` may be absent
};

}  // namespace convnet
