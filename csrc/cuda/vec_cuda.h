// Vectors of one lane: what a thread of the GPU has. Formulas written for the CPU's vectors serve
// there as well.
#pragma once

#include "cuda/device.h"

#define CONVNET_DEVICE __host__ __device__ __forceinline__

namespace convnet::cuda {

constexpr int kWidth = 1;

struct Vec {
  float v;
};
struct Mask {
  bool m;
};

CONVNET_DEVICE float float_of(int32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
CONVNET_DEVICE int32_t bits_of(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

CONVNET_DEVICE Vec load(const float* p) { return {*p}; }
CONVNET_DEVICE void store(float* p, Vec a) { *p = a.v; }
CONVNET_DEVICE Vec load_first(const float* p, int64_t n) { return {n ? *p : 0.0f}; }
CONVNET_DEVICE void store_first(float* p, int64_t n, Vec a) {
  if (n) *p = a.v;
}
CONVNET_DEVICE Vec set1(float x) { return {x}; }
CONVNET_DEVICE Vec zero() { return {0.0f}; }

CONVNET_DEVICE Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
CONVNET_DEVICE Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
CONVNET_DEVICE Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
CONVNET_DEVICE Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
CONVNET_DEVICE Vec fma(Vec a, Vec b, Vec c) { return {fmaf(a.v, b.v, c.v)}; }
CONVNET_DEVICE Vec fnma(Vec a, Vec b, Vec c) { return {fmaf(-a.v, b.v, c.v)}; }

CONVNET_DEVICE Mask operator<(Vec a, Vec b) { return {a.v < b.v}; }
CONVNET_DEVICE Mask operator<=(Vec a, Vec b) { return {a.v <= b.v}; }
CONVNET_DEVICE Mask operator>(Vec a, Vec b) { return {a.v > b.v}; }
CONVNET_DEVICE Mask operator>=(Vec a, Vec b) { return {a.v >= b.v}; }
CONVNET_DEVICE Mask operator==(Vec a, Vec b) { return {a.v == b.v}; }
CONVNET_DEVICE Mask operator!=(Vec a, Vec b) { return {a.v != b.v}; }
CONVNET_DEVICE Mask operator&(Mask a, Mask b) { return {a.m && b.m}; }
CONVNET_DEVICE Mask operator|(Mask a, Mask b) { return {a.m || b.m}; }
CONVNET_DEVICE Mask operator~(Mask a) { return {!a.m}; }
CONVNET_DEVICE Vec select(Mask m, Vec yes, Vec no) { return m.m ? yes : no; }
CONVNET_DEVICE Vec keep(Mask m, Vec a) { return {m.m ? a.v : 0.0f}; }
CONVNET_DEVICE uint32_t bits(Mask m) { return m.m; }
CONVNET_DEVICE Mask mask_of(uint32_t bits) { return {(bits & 1u) != 0}; }

// Of a NaN and a number: the second operand, as on the CPU.
CONVNET_DEVICE Vec min(Vec a, Vec b) { return a.v < b.v ? a : b; }
CONVNET_DEVICE Vec max(Vec a, Vec b) { return a.v > b.v ? a : b; }
CONVNET_DEVICE Vec abs(Vec a) { return {fabsf(a.v)}; }
CONVNET_DEVICE Vec copy_sign(Vec magnitude, Vec sign) { return {copysignf(magnitude.v, sign.v)}; }
CONVNET_DEVICE Vec sqrt(Vec a) { return {sqrtf(a.v)}; }
CONVNET_DEVICE Vec round(Vec a) { return {rintf(a.v)}; }
CONVNET_DEVICE Vec floor(Vec a) { return {floorf(a.v)}; }
CONVNET_DEVICE Vec ceil(Vec a) { return {ceilf(a.v)}; }
// a * 2^n for integral n, in two steps so that the range of n neither wraps nor overflows early.
CONVNET_DEVICE Vec scale(Vec a, Vec n) {
  const int32_t whole = static_cast<int32_t>(n.v), half = whole >> 1;
  return {a.v * float_of((half + 127) << 23) * float_of((whole - half + 127) << 23)};
}
CONVNET_DEVICE Vec exponent(Vec a) { return {static_cast<float>((bits_of(a.v) >> 23) - 127)}; }
CONVNET_DEVICE Vec mantissa(Vec a) { return {float_of((bits_of(a.v) & 0x007fffff) | 0x3f800000)}; }

}  // namespace convnet::cuda
