// Sixteen 32-bit numbers, in as many vectors as a Vec takes for as many floats: the compiler's
// generic vectors, which do badly where they are wider than a register.
#pragma once

#include <cstring>

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

typedef uint32_t Words __attribute__((vector_size(kWidth * sizeof(uint32_t))));
typedef int32_t Wholes __attribute__((vector_size(kWidth * sizeof(int32_t))));
typedef float Fractions __attribute__((vector_size(kWidth * sizeof(float))));

struct Numbers {
  Words part[kVectors];
};

CONVNET_INLINE Numbers operator^(const Numbers& a, const Numbers& b) {
  Numbers all;
  CONVNET_EACH(v, kVectors) all.part[v] = a.part[v] ^ b.part[v];
  return all;
}
CONVNET_INLINE Numbers operator^(const Numbers& a, uint32_t b) {
  Numbers all;
  CONVNET_EACH(v, kVectors) all.part[v] = a.part[v] ^ b;
  return all;
}

// The same number in all lanes; `first` and those that follow it.
CONVNET_INLINE Numbers same(uint32_t number) {
  Numbers all;
  CONVNET_EACH(v, kVectors) all.part[v] = Words{} + number;
  return all;
}
CONVNET_INLINE Numbers counted(uint32_t first) {
  uint32_t lanes[16];
  CONVNET_EACH(l, 16) lanes[l] = static_cast<uint32_t>(l);
  Numbers all;
  std::memcpy(&all, lanes, sizeof all);
  CONVNET_EACH(v, kVectors) all.part[v] += first;
  return all;
}
CONVNET_INLINE void store(uint32_t* p, const Numbers& a) { std::memcpy(p, &a, sizeof a); }

// Numbers below 2^24 as floats.
CONVNET_INLINE Vec float_of(const Words& words) {
  const Fractions floats = __builtin_convertvector(reinterpret_cast<Wholes>(words), Fractions);
  return {reinterpret_cast<decltype(Vec::v)>(floats)};
}

#if defined(CONVNET_ISA_avx512)

// x * factor, 64 bits wide in two halves: products of even and of odd lanes are neighbours of each
// other.
CONVNET_INLINE void product(const Words& x, uint32_t factor, Words& high, Words& low) {
  const __m512i a = reinterpret_cast<__m512i>(x), f = _mm512_set1_epi64(factor);
  const __m512i even = _mm512_mul_epu32(a, f), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), f);
  high = reinterpret_cast<Words>(_mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd));
  low = reinterpret_cast<Words>(_mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64(odd, 32)));
}

// One bit a number: it is `least` or more.
CONVNET_INLINE uint32_t at_least(const Words& x, uint32_t least) {
  return _mm512_cmpge_epu32_mask(reinterpret_cast<__m512i>(x),
                                 _mm512_set1_epi32(static_cast<int>(least)));
}

#elif defined(CONVNET_ISA_avx2)

CONVNET_INLINE void product(const Words& x, uint32_t factor, Words& high, Words& low) {
  const __m256i a = reinterpret_cast<__m256i>(x), f = _mm256_set1_epi64x(factor);
  const __m256i even = _mm256_mul_epu32(a, f), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), f);
  high = reinterpret_cast<Words>(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa));
  low = reinterpret_cast<Words>(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa));
}

CONVNET_INLINE uint32_t at_least(const Words& x, uint32_t least) {
  const __m256i a = reinterpret_cast<__m256i>(x),
                limit = _mm256_set1_epi32(static_cast<int>(least));
  const __m256i is = _mm256_cmpeq_epi32(_mm256_max_epu32(a, limit), a);
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(is)));
}

#else

CONVNET_INLINE void product(const Words& x, uint32_t factor, Words& high, Words& low) {
  typedef uint64_t Products __attribute__((vector_size(kWidth * sizeof(uint64_t))));
  high =
      __builtin_convertvector(__builtin_convertvector(x, Products) * uint64_t{factor} >> 32, Words);
  low = x * factor;
}

CONVNET_INLINE uint32_t at_least(const Words& x, uint32_t least) {
  uint32_t bits = 0;
  CONVNET_EACH(l, kWidth) bits |= static_cast<uint32_t>(x[l] >= least) << l;
  return bits;
}

#endif

CONVNET_INLINE uint32_t at_least(const Numbers& x, uint32_t least) {
  uint32_t bits = 0;
  CONVNET_EACH(v, kVectors) bits |= at_least(x.part[v], least) << (v * kWidth);
  return bits;
}

struct Product {
  CONVNET_INLINE void operator()(const Numbers& x, uint32_t factor, Numbers& high,
                                 Numbers& low) const {
    CONVNET_EACH(v, kVectors) product(x.part[v], factor, high.part[v], low.part[v]);
  }
};

}  // namespace convnet::CONVNET_ISA
