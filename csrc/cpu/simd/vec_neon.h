// NEON on AArch64: 4 floats, masks as all-ones lanes.
#pragma once

#include <arm_neon.h>

namespace convnet::neon {

constexpr int kWidth = 4;
constexpr int kRegisters = 32;

struct Vec {
  float32x4_t v;
};
struct Mask {
  uint32x4_t m;
};

inline Vec load(const float* p) { return {vld1q_f32(p)}; }
inline void store(float* p, Vec a) { vst1q_f32(p, a.v); }
// The first n lanes, 0 <= n <= 4; others read as zeros and are not written.
inline Vec load_first(const float* p, int64_t n) {
  float all[4] = {};
  for (int64_t i = 0; i < n; ++i) all[i] = p[i];
  return load(all);
}
inline void store_first(float* p, int64_t n, Vec a) {
  float all[4];
  store(all, a);
  for (int64_t i = 0; i < n; ++i) p[i] = all[i];
}
inline Vec set1(float x) { return {vdupq_n_f32(x)}; }
inline Vec zero() { return {vdupq_n_f32(0)}; }

inline Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline Vec fnma(Vec a, Vec b, Vec c) { return {vfmsq_f32(c.v, a.v, b.v)}; }

inline Mask operator<(Vec a, Vec b) { return {vcltq_f32(a.v, b.v)}; }
inline Mask operator<=(Vec a, Vec b) { return {vcleq_f32(a.v, b.v)}; }
inline Mask operator>(Vec a, Vec b) { return {vcgtq_f32(a.v, b.v)}; }
inline Mask operator>=(Vec a, Vec b) { return {vcgeq_f32(a.v, b.v)}; }
inline Mask operator==(Vec a, Vec b) { return {vceqq_f32(a.v, b.v)}; }
inline Mask operator!=(Vec a, Vec b) { return {vmvnq_u32(vceqq_f32(a.v, b.v))}; }
inline Mask operator&(Mask a, Mask b) { return {vandq_u32(a.m, b.m)}; }
inline Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.m, b.m)}; }
inline Mask operator~(Mask a) { return {vmvnq_u32(a.m)}; }
inline Vec select(Mask m, Vec yes, Vec no) { return {vbslq_f32(m.m, yes.v, no.v)}; }
inline Vec keep(Mask m, Vec a) {
  return {vreinterpretq_f32_u32(vandq_u32(m.m, vreinterpretq_u32_f32(a.v)))};
}
inline uint32_t bits(Mask m) {
  const uint32x4_t lane = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(m.m, lane));
}
inline Mask mask_of(uint32_t bits) {
  const uint32x4_t lane = {1, 2, 4, 8};
  return {vtstq_u32(vdupq_n_u32(bits), lane)};
}

// Like the x86 instructions: of a NaN and a number, the second operand.
inline Vec min(Vec a, Vec b) { return select(a < b, a, b); }
inline Vec max(Vec a, Vec b) { return select(a > b, a, b); }
inline Vec sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }
inline Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
inline Vec round(Vec a) { return {vrndnq_f32(a.v)}; }
inline Vec floor(Vec a) { return {vrndmq_f32(a.v)}; }
inline Vec ceil(Vec a) { return {vrndpq_f32(a.v)}; }
inline Vec copy_sign(Vec magnitude, Vec sign) {
  return {vbslq_f32(vdupq_n_u32(0x80000000u), sign.v, magnitude.v)};
}
// a * 2^n for integral n, in two steps so that the range of n neither wraps nor overflows early.
inline Vec scale(Vec a, Vec n) {
  const int32x4_t whole = vcvtnq_s32_f32(n.v), half = vshrq_n_s32(whole, 1),
                  bias = vdupq_n_s32(127);
  const int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
  const int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
  return {vmulq_f32(vmulq_f32(a.v, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second))};
}
inline Vec exponent(Vec a) {
  const uint32x4_t e = vshrq_n_u32(vreinterpretq_u32_f32(a.v), 23);
  return {vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(e), vdupq_n_s32(127)))};
}
inline Vec mantissa(Vec a) {
  const uint32x4_t fraction = vandq_u32(vreinterpretq_u32_f32(a.v), vdupq_n_u32(0x007fffff));
  return {vreinterpretq_f32_u32(vorrq_u32(fraction, vdupq_n_u32(0x3f800000)))};
}

inline float sum(Vec a) { return vaddvq_f32(a.v); }
inline float largest(Vec a) { return vmaxvq_f32(a.v); }

// The sums of four vectors.
inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  vst1q_f32(out, vpaddq_f32(vpaddq_f32(a.v, b.v), vpaddq_f32(c.v, d.v)));
}

// Lane places[i] of a vector in lane i; kept as places of bytes.
struct Places {
  uint8x16_t v;
};
inline Places places_of(const int32_t* p) {
  const uint32x4_t lanes = vreinterpretq_u32_s32(vld1q_s32(p));
  return {vreinterpretq_u8_u32(vmlaq_n_u32(vdupq_n_u32(0x03020100), lanes, 0x04040404))};
}
inline Vec pick(Vec a, Places p) {
  return {vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(a.v), p.v))};
}

}  // namespace convnet::neon
