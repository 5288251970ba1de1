// What ops with a fused activation share.
#pragma once

#include "ops/activation.h"
#include "ops/op.h"

namespace convnet::ops {

// The `activation` attribute; throws where it cannot be fused.
Activation activation_of(const InferContext& c);

// Gradient before the activation of a node whose output 0 is after it.
ValueId before_activation(GradContext& g);

}  // namespace convnet::ops
