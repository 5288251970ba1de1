// Products of small matrices by a warp on tensor cores: d [16][8] += a [16][8] b [8][8], operands
// rounded to TF32 (10 bits of mantissa), sums in float32. With g = lane / 4 and t = lane % 4, a
// lane has a = {(g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)}, b = {(t, g), (t + 4, g)} and d =
// {(g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)}, each (row, column).
#pragma once

#include <cstdint>

#include "cuda/device.h"

namespace convnet::cuda {

#ifdef CONVNET_CUDA_EMULATION

// The nearest number of 10 bits of mantissa, of two the one away from zero.
inline float to_tf32(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (!std::isfinite(x)) return x;
  bits = (bits + 0x1000u) & ~0x1fffu;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
  const float mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const auto* of = static_cast<const float (*)[6]>(emulation::show(mine, sizeof mine));
  const int lane = emulation::lane(), g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) {
    const int half = i / 2, column = 2 * t + i % 2;  // the rows' half that this lane's row is in
    for (int k = 0; k < 8; ++k) {
      const float left = of[4 * g + k % 4][k / 4 * 2 + half];
      const float right = of[4 * column + k % 4][4 + k / 4];
      d[i] = std::fma(left, right, d[i]);
    }
  }
}

#else

__device__ __forceinline__ float to_tf32(float x) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
}

__device__ __forceinline__ void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
        "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}

#endif

}  // namespace convnet::cuda
