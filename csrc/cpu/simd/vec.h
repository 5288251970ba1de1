// The vector type of the instruction set that this file is compiled for. Everything else in kernels/ is written in terms of it.
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
#else
#include "cpu/simd/vec_portable.h"
#endif

#define CONVNET_INLINE inline __attribute__((always_inline))
#define CONVNET_PRAGMA(text) _Pragma(#text)
#define CONVNET_UNROLL(n) CONVNET_PRAGMA(GCC unroll n)

namespace convnet::CONVNET_ISA {

constexpr int kVectors = 16 / kWidth;  // vectors that hold the 16 samples of a shard

}  // namespace convnet::CONVNET_ISA
