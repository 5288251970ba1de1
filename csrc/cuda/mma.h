// Products of small matrices by a warp on tensor cores: d [16][8] += a [16][K] b [K][8], operands
// rounded, sums in float32. K is 8 for TF32 (10 bits of mantissa) and 16 for bfloat16 (7 bits), of
// which a register holds two. With g = lane / 4 and t = lane % 4, a lane has d = {(g, 2t),
// (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)}, each (row, column). Of a it has four registers, of
// rows {g, g + 8, g, g + 8}, of b two, of column g, which meet the first and the second two of a.
// In which order the numbers of a row of a are dealt to lanes and registers does not matter, as
// long as the columns of b do the same.
#pragma once

#include <cstdint>

#include "cpu/simd/vec.h"
#include "cuda/device.h"

namespace convnet::cuda {

// A register of operands.
struct Tf32 {
  static constexpr int kNumbers = 1;
  uint32_t bits;
};
struct Bf16 {
  static constexpr int kNumbers = 2;
  uint32_t bits;
};

#ifdef CONVNET_CUDA_EMULATION

// The nearest number of 10 bits of mantissa, of two the one away from zero.
inline Tf32 rounded(const float (&x)[1]) {
  const auto bits = static_cast<uint32_t>(bits_of(x[0]));
  return {std::isfinite(x[0]) ? (bits + 0x1000u) & ~0x1fffu : bits};
}
// The nearest numbers of 7 bits of mantissa, of two the even one.
inline Bf16 rounded(const float (&x)[2]) {
  uint32_t half[2];
  for (int i = 0; i < 2; ++i) {
    const auto bits = static_cast<uint32_t>(bits_of(x[i]));
    half[i] = std::isnan(x[i]) ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  }
  return {half[0] | half[1] << 16};
}

inline float number(Tf32 x, int) { return float_of(static_cast<int32_t>(x.bits)); }
inline float number(Bf16 x, int i) {
  return float_of(static_cast<int32_t>(i ? x.bits & 0xffff0000u : x.bits << 16));
}

template <class Factor>
void multiply_add(float (&d)[4], const Factor (&a)[4], const Factor (&b)[2]) {
  const Factor mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const auto* of = static_cast<const Factor(*)[6]>(emulation::show(mine, sizeof mine));
  const int lane = emulation::lane(), g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) {
    const int half = i / 2, column = 2 * t + i % 2;  // the rows' half that this lane's row is in
    for (int part = 0; part < 2; ++part)
      for (int from = 0; from < 4; ++from)
        for (int n = 0; n < Factor::kNumbers; ++n)
          d[i] = std::fma(number(of[4 * g + from][part * 2 + half], n),
                          number(of[4 * column + from][4 + part], n), d[i]);
  }
}

#else

__device__ __forceinline__ Tf32 rounded(const float (&x)[1]) {
  Tf32 result;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result.bits) : "f"(x[0]));
  return result;
}
__device__ __forceinline__ Bf16 rounded(const float (&x)[2]) {
  Bf16 result;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result.bits) : "f"(x[1]), "f"(x[0]));
  return result;
}

__device__ __forceinline__ void multiply_add(float (&d)[4], const Tf32 (&a)[4],
                                             const Tf32 (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0].bits), "r"(a[1].bits), "r"(a[2].bits), "r"(a[3].bits), "r"(b[0].bits),
        "r"(b[1].bits));
}
__device__ __forceinline__ void multiply_add(float (&d)[4], const Bf16 (&a)[4],
                                             const Bf16 (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0].bits), "r"(a[1].bits), "r"(a[2].bits), "r"(a[3].bits), "r"(b[0].bits),
        "r"(b[1].bits));
}

#endif

__device__ __forceinline__ float tf32_of(float x) {
  const float one[] = {x};
  return float_of(static_cast<int32_t>(rounded(one).bits));
}

}  // namespace convnet::cuda
