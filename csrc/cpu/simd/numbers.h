// Sixteen 32-bit numbers, in the compiler's generic vectors. They are handed on by reference: how
// they are returned depends on the instruction set.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

typedef uint32_t Numbers __attribute__((vector_size(16 * sizeof(uint32_t))));

#if defined(CONVNET_ISA_avx512)

// x * factor, 64 bits wide in two halves: products of even and of odd lanes are neighbours of each
// other.
CONVNET_INLINE void product(const Numbers& x, uint32_t factor, Numbers& high, Numbers& low) {
  const __m512i a = reinterpret_cast<__m512i>(x), f = _mm512_set1_epi64(factor);
  const __m512i even = _mm512_mul_epu32(a, f), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), f);
  high = reinterpret_cast<Numbers>(_mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd));
  low = reinterpret_cast<Numbers>(_mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64(odd, 32)));
}

// One bit a number: it is `least` or more.
CONVNET_INLINE uint32_t at_least(const Numbers& x, uint32_t least) {
  return _mm512_cmpge_epu32_mask(reinterpret_cast<__m512i>(x),
                                 _mm512_set1_epi32(static_cast<int>(least)));
}

#elif defined(CONVNET_ISA_avx2)

union HalvesOfNumbers {
  Numbers all;
  __m256i half[2];
};

CONVNET_INLINE void product(const Numbers& x, uint32_t factor, Numbers& high, Numbers& low) {
  const __m256i f = _mm256_set1_epi64x(factor);
  HalvesOfNumbers from{x}, top, bottom;
  CONVNET_EACH(i, 2) {
    const __m256i a = from.half[i];
    const __m256i even = _mm256_mul_epu32(a, f),
                  odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), f);
    top.half[i] = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    bottom.half[i] = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  }
  high = top.all, low = bottom.all;
}

CONVNET_INLINE uint32_t at_least(const Numbers& x, uint32_t least) {
  const __m256i limit = _mm256_set1_epi32(static_cast<int>(least));
  const HalvesOfNumbers from{x};
  uint32_t bits = 0;
  CONVNET_EACH(i, 2) {
    const __m256i a = from.half[i], is = _mm256_cmpeq_epi32(_mm256_max_epu32(a, limit), a);
    bits |= static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(is))) << (8 * i);
  }
  return bits;
}

#else

typedef uint64_t Products __attribute__((vector_size(16 * sizeof(uint64_t))));

CONVNET_INLINE void product(const Numbers& x, uint32_t factor, Numbers& high, Numbers& low) {
  high = __builtin_convertvector(__builtin_convertvector(x, Products) * uint64_t{factor} >> 32,
                                 Numbers);
  low = x * factor;
}

CONVNET_INLINE uint32_t at_least(const Numbers& x, uint32_t least) {
  uint32_t bits = 0;
  for (int l = 0; l < 16; ++l) bits |= static_cast<uint32_t>(x[l] >= least) << l;
  return bits;
}

#endif

}  // namespace convnet::CONVNET_ISA
