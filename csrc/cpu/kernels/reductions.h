// What reduce does with terms. They are joined in runs of kRun, and the runs' totals after that:
// errors of sums grow with the length of a run and the number of runs, not with their product.
#pragma once

#include "cpu/kernels/binary_functions.h"

namespace convnet::CONVNET_ISA {

constexpr int64_t kRun = 128;

struct Sum {
  static constexpr float neutral = 0;
  static CONVNET_INLINE Vec term(Vec x) { return x; }
  static CONVNET_INLINE Vec join(Vec a, Vec b) { return a + b; }
};
struct Product {
  static constexpr float neutral = 1;
  static CONVNET_INLINE Vec term(Vec x) { return x; }
  static CONVNET_INLINE Vec join(Vec a, Vec b) { return a * b; }
};
struct Largest {
  static constexpr float neutral = -__builtin_inff();
  static CONVNET_INLINE Vec term(Vec x) { return x; }
  static CONVNET_INLINE Vec join(Vec a, Vec b) { return maximum(a, b); }
};
struct Smallest {
  static constexpr float neutral = __builtin_inff();
  static CONVNET_INLINE Vec term(Vec x) { return x; }
  static CONVNET_INLINE Vec join(Vec a, Vec b) { return minimum(a, b); }
};
struct Any {
  static constexpr float neutral = 0;
  static CONVNET_INLINE Vec term(Vec x) { return one_where(x != 0.0f); }
  static CONVNET_INLINE Vec join(Vec a, Vec b) { return max(a, b); }
};
struct All {
  static constexpr float neutral = 1;
  static CONVNET_INLINE Vec term(Vec x) { return one_where(x != 0.0f); }
  static CONVNET_INLINE Vec join(Vec a, Vec b) { return min(a, b); }
};

}  // namespace convnet::CONVNET_ISA
