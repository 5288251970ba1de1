// Loops whose code is long when it is unrolled.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// Whether code shall be short rather than fast: it is for processors that hardly anybody has.
#ifdef CONVNET_ISA_portable
constexpr bool kForSize = true;
#else
constexpr bool kForSize = false;
#endif

// f(0) to f(N - 1), unrolled where that is worth its code.
template <int N, bool kWorthIt = true, class F>
CONVNET_INLINE void each(F f) {
  if constexpr (kWorthIt && !kForSize) {
    CONVNET_EACH(i, N) f(i);
  } else {
    CONVNET_UNROLL(1)
    for (int i = 0; i < N; ++i) f(i);
  }
}

}  // namespace convnet::CONVNET_ISA
