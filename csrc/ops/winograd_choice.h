#pragma once

#include "ops/conv2d.h"
#include "ops/conv2d_weight.h"
#include "ops/op.h"

namespace convnet::ops {

// The tile that is fastest by count of operations; one that is not used() where the direct sum is
// faster or nothing else fits. The attribute `algorithm` forces a choice where it is possible:
// direct, winograd4, winograd6 or winograd8 (points; eight not of 3x3); the precision
// "highest" forbids more than four.
WinogradTile winograd_tile(InferContext& c, const Conv2dParams& p, bool transposed);

// The same for the gradient of the weights.
WinogradTile winograd_weight_tile(InferContext& c, const Conv2dWeightParams& p);

// Units, scratch and the derived input of a node that uses p.tile.
void use_winograd(InferContext& c, const Conv2dParams& p, bool transposed);

}  // namespace convnet::ops
