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

// For loops that the code of an activation would fill: all but ReLU are out of line.
CONVNET_FAR Vec activate_far(Activation kind, Vec x) { return activate(kind, x); }
CONVNET_INLINE Vec activate_briefly(Activation kind, Vec x) {
  if (kind == Activation::relu) return max(zero(), x);
  return kind == Activation::linear ? x : activate_far(kind, x);
}

// Applies an activation to n whole vectors in memory: kept out of the register tiles, where a call
// would spill them.
inline void activate_in_place(Activation kind, float* x, int64_t vectors) {
  if (kind == Activation::linear) return;
  for (int64_t i = 0; i < vectors; ++i) store(x + i * kWidth, activate(kind, load(x + i * kWidth)));
}

// Applies an activation to n numbers in a row.
inline void activate_row(Activation kind, float* x, int64_t n) {
  if (kind == Activation::linear) return;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(x + i, activate(kind, load(x + i)));
  if (i < n) store_first(x + i, n - i, activate(kind, load_first(x + i, n - i)));
}

}  // namespace convnet::CONVNET_ISA
