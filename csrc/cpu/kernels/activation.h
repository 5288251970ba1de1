// Fused activations.
#pragma once

#include "cpu/simd/math.h"
#include "ops/activation.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE Vec activate(Activation kind, Vec x) {
  switch (kind) {
    case Activation::relu:
      return max(zero(), x);  // NaN stays
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::linear:
      break;
  }
  return x;
}

// Applies an activation to n whole vectors in memory: kept out of the register tiles, where a call
// would spill them.
inline void activate_in_place(Activation kind, float* x, int64_t vectors) {
  if (kind == Activation::linear) return;
  for (int64_t i = 0; i < vectors; ++i) store(x + i * kWidth, activate(kind, load(x + i * kWidth)));
}

}  // namespace convnet::CONVNET_ISA
