// Kernels that work the same way on batched values (16 samples in lanes) and on Single ones: they
// are written once over `Wide` or `Narrow`, which say how a feature is read and written.
#pragma once

#include "cpu/kernel.h"
#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// A feature is 16 samples in kVectors vectors.
struct Wide {
  static constexpr int64_t lanes = kLanes;
  static constexpr int vectors = kVectors;
  static CONVNET_INLINE Vec get(const float* p) { return load(p); }
  static CONVNET_INLINE void put(float* p, Vec x) { store(p, x); }
};

// A feature is one number, computed in all lanes of a vector.
struct Narrow {
  static constexpr int64_t lanes = 1;
  static constexpr int vectors = 1;
  static CONVNET_INLINE Vec get(const float* p) { return set1(*p); }
  static CONVNET_INLINE void put(float* p, Vec x) {
    float all[kWidth];
    store(all, x);
    *p = all[0];
  }
};

// work(Wide{}) or work(Narrow{}).
template <class Work>
CONVNET_INLINE void with_lanes(const KernelArgs& a, Work work) {
  if (a.lanes == 1) {
    work(Narrow{});
  } else {
    work(Wide{});
  }
}

}  // namespace convnet::CONVNET_ISA
