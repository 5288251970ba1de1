// Lanes that are set, moved together.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// store_set: stores the lanes that are set one after another and returns their number. Overwrites
// kWidth floats.

#if defined(CONVNET_ISA_avx512)

CONVNET_INLINE int store_set(float* p, Mask m, Vec a) {
  _mm512_storeu_ps(p, _mm512_maskz_compress_ps(m.m, a.v));
  return __builtin_popcount(m.m);
}

#elif defined(CONVNET_ISA_avx2)

// For each set of lanes: their numbers, a byte each, and how many they are.
struct SetLanes {
  uint64_t lanes[256] = {};
  uint8_t count[256] = {};
  constexpr SetLanes() {
    for (int set = 0; set < 256; ++set)
      for (uint64_t lane = 0; lane < 8; ++lane)
        if (set >> lane & 1) lanes[set] |= lane << (8 * count[set]++);
  }
};
constexpr SetLanes kSetLanes;

CONVNET_INLINE int store_set(float* p, Mask m, Vec a) {
  const uint32_t set = bits(m);
  const __m128i lanes = _mm_cvtsi64_si128(static_cast<int64_t>(kSetLanes.lanes[set]));
  _mm256_storeu_ps(p, _mm256_permutevar8x32_ps(a.v, _mm256_cvtepu8_epi32(lanes)));
  return kSetLanes.count[set];
}

#else

CONVNET_INLINE int store_set(float* p, Mask m, Vec a) {
  float lanes[kWidth];
  store(lanes, a);
  int count = 0;
  for (uint32_t set = bits(m); set; set &= set - 1) p[count++] = lanes[__builtin_ctz(set)];
  return count;
}

#endif

}  // namespace convnet::CONVNET_ISA
