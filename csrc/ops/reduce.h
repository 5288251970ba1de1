#pragma once

#include "ops/strides.h"

namespace convnet {

enum class Reduction : int32_t { sum, mean, max, min, prod, any, all };

// `kept` walks the results, `reduced` what each of them is made of; operand 0 of both is x. A unit
// is `block` floats of the result. Where the innermost axis of x is kept (lanes always are), a
// vector holds neighbouring results, otherwise terms of one result.
struct ReduceParams {
  Strides kept, reduced;
  int64_t block;
  Reduction fn;
  bool innermost_kept;
  float divisor;  // of the total
  uint32_t axes;  // bit i: axis i of a sample is reduced
};

}  // namespace convnet
