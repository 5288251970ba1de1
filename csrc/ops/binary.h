#pragma once

#include "ops/strides.h"

namespace convnet {

enum class Binary : int32_t {
#define CONVNET_BINARY(name, value, da_source, da, db_source, db) name,
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
};

// binary: a, b -> y. binary_backward: a, b, dy -> da or db at full size. Absent operands have the
// strides of dy. A unit is kElementBlock floats of the result.
struct BinaryParams {
  Strides strides;
  Binary fn;
  int32_t wrt;  // which operand the gradient is of
};

}  // namespace convnet
