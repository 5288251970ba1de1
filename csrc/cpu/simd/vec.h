// The vector type of the instruction set that this file is compiled for. Everything else in
// kernels/ is written in terms of it.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(CONVNET_ISA_avx512)
#include "cpu/simd/vec_avx512.h"
#elif defined(CONVNET_ISA_avx2)
#include "cpu/simd/vec_avx2.h"
#elif defined(CONVNET_ISA_neon)
#include "cpu/simd/vec_neon.h"
#elif defined(CONVNET_ISA_cuda)
#include "cuda/vec_cuda.h"
#else
#include "cpu/simd/vec_portable.h"
#endif

#ifdef __CUDACC__
#define CONVNET_INLINE __host__ __device__ __forceinline__
#define CONVNET_FAR __host__ __device__ inline __attribute__((noinline))
#else
#define CONVNET_INLINE inline __attribute__((always_inline))
#define CONVNET_FAR inline __attribute__((noinline))
#endif
#define CONVNET_INLINED __attribute__((always_inline))  // of a lambda
#define CONVNET_PRAGMA(text) _Pragma(#text)
#define CONVNET_UNROLL(n) CONVNET_PRAGMA(GCC unroll n)
// A loop over a few indices of registers, unrolled whole.
#define CONVNET_EACH(i, n) \
  CONVNET_UNROLL(24)       \
  for (int i = 0; i < (n); ++i)

namespace convnet::CONVNET_ISA {

constexpr int kVectors = 16 / kWidth;  // vectors that hold the 16 samples of a shard

// A number beside a vector stands for a vector of that number.
CONVNET_INLINE Vec operator+(Vec a, float b) { return a + set1(b); }
CONVNET_INLINE Vec operator-(Vec a, float b) { return a - set1(b); }
CONVNET_INLINE Vec operator*(Vec a, float b) { return a * set1(b); }
CONVNET_INLINE Vec operator/(Vec a, float b) { return a / set1(b); }
CONVNET_INLINE Vec operator+(float a, Vec b) { return set1(a) + b; }
CONVNET_INLINE Vec operator-(float a, Vec b) { return set1(a) - b; }
CONVNET_INLINE Vec operator*(float a, Vec b) { return set1(a) * b; }
CONVNET_INLINE Vec operator/(float a, Vec b) { return set1(a) / b; }
CONVNET_INLINE Mask operator<(Vec a, float b) { return a < set1(b); }
CONVNET_INLINE Mask operator<=(Vec a, float b) { return a <= set1(b); }
CONVNET_INLINE Mask operator>(Vec a, float b) { return a > set1(b); }
CONVNET_INLINE Mask operator>=(Vec a, float b) { return a >= set1(b); }
CONVNET_INLINE Mask operator==(Vec a, float b) { return a == set1(b); }
CONVNET_INLINE Mask operator!=(Vec a, float b) { return a != set1(b); }

constexpr int64_t kLineFloats = 16;  // of a line of the cache
// Asks for a line that will be read, for the second-level cache. Any address is fine.
CONVNET_INLINE void prefetch(const float* p) { __builtin_prefetch(p, 0, 2); }

// Loads and stores `n` lanes, all where `whole`; the others read as zeros and are not written.
template <bool whole>
CONVNET_INLINE Vec load_part(const float* p, int64_t n) {
  if constexpr (whole) return load(p);
  return load_first(p, n);
}
template <bool whole>
CONVNET_INLINE void store_part(float* p, int64_t n, Vec a) {
  if constexpr (whole) return store(p, a);
  store_first(p, n, a);
}

}  // namespace convnet::CONVNET_ISA
