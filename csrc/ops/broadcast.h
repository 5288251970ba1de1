// NumPy's broadcasting over samples' shapes, for ops of several operands: a Single operand is the
// same for every sample.
#pragma once

#include "ops/op.h"
#include "ops/strides.h"

namespace convnet::ops {

// Storage, shape and fold of what the operands give together. Throws where they do not fit.
Value broadcast_of(const InferContext& c, const std::vector<const Value*>& operands);

// How to read each operand for a result like `result`. Throws where merged axes are too many. With
// `inner`, the result is that many axes short of the operands, and what is walked are blocks of
// these axes and of the samples.
Strides strides_of(const InferContext& c, const Value& result,
                   const std::vector<const Value*>& operands, size_t inner = 0);

// The gradient of an operand from that of the whole result: sums over samples and over the axes
// along which the operand was repeated.
ValueId sum_to(GradContext& g, ValueId grad, ValueId operand);

}  // namespace convnet::ops
