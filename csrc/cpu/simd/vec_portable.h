// Any CPU: 4 floats in the compiler's generic vectors. A multiply-add is rounded twice.
#pragma once

namespace convnet::portable {

constexpr int kWidth = 4;
constexpr int kRegisters = 16;

typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Ints __attribute__((vector_size(16)));

struct Vec {
  Floats v;
};
struct Mask {
  Ints m;
};

inline Vec load(const float* p) {
  Vec a;
  std::memcpy(&a.v, p, sizeof a.v);
  return a;
}
inline void store(float* p, Vec a) { std::memcpy(p, &a.v, sizeof a.v); }
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
inline Vec set1(float x) { return {Floats{x, x, x, x}}; }
inline Vec zero() { return {Floats{}}; }

inline Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
inline Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
inline Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
inline Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
inline Vec fnma(Vec a, Vec b, Vec c) { return {c.v - a.v * b.v}; }

inline Mask operator<(Vec a, Vec b) { return {a.v < b.v}; }
inline Mask operator<=(Vec a, Vec b) { return {a.v <= b.v}; }
inline Mask operator>(Vec a, Vec b) { return {a.v > b.v}; }
inline Mask operator>=(Vec a, Vec b) { return {a.v >= b.v}; }
inline Mask operator==(Vec a, Vec b) { return {a.v == b.v}; }
inline Mask operator!=(Vec a, Vec b) { return {a.v != b.v}; }
inline Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
inline Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
inline Mask operator~(Mask a) { return {~a.m}; }
inline Vec select(Mask m, Vec yes, Vec no) {
  return {reinterpret_cast<Floats>((m.m & reinterpret_cast<Ints>(yes.v)) |
                                   (~m.m & reinterpret_cast<Ints>(no.v)))};
}
inline Vec keep(Mask m, Vec a) {
  return {reinterpret_cast<Floats>(m.m & reinterpret_cast<Ints>(a.v))};
}
inline uint32_t bits(Mask m) {
  return (m.m[0] & 1u) | (m.m[1] & 2u) | (m.m[2] & 4u) | (m.m[3] & 8u);
}
inline Mask mask_of(uint32_t bits) {
  const Ints lane = {1, 2, 4, 8};
  const int32_t b = static_cast<int32_t>(bits);
  return {(Ints{b, b, b, b} & lane) == lane};
}

// Of a NaN and a number: the second operand, as the x86 instructions have it.
inline Vec min(Vec a, Vec b) { return select(a < b, a, b); }
inline Vec max(Vec a, Vec b) { return select(a > b, a, b); }
inline Vec abs(Vec a) {
  return {reinterpret_cast<Floats>(reinterpret_cast<Ints>(a.v) & 0x7fffffff)};
}
inline Vec copy_sign(Vec magnitude, Vec sign) {
  const Ints bit = reinterpret_cast<Ints>(set1(-0.0f).v);
  return {reinterpret_cast<Floats>((reinterpret_cast<Ints>(magnitude.v) & ~bit) |
                                   (reinterpret_cast<Ints>(sign.v) & bit))};
}
#define CONVNET_LANEWISE(name, function)                   \
  inline Vec name(Vec a) {                                 \
    for (int i = 0; i < 4; ++i) a.v[i] = function(a.v[i]); \
    return a;                                              \
  }
CONVNET_LANEWISE(sqrt, __builtin_sqrtf)
CONVNET_LANEWISE(round, __builtin_nearbyintf)
CONVNET_LANEWISE(floor, __builtin_floorf)
CONVNET_LANEWISE(ceil, __builtin_ceilf)
#undef CONVNET_LANEWISE
// a * 2^n for integral n, in two steps so that the range of n neither wraps nor overflows early.
inline Vec scale(Vec a, Vec n) {
  const Ints whole = __builtin_convertvector(n.v, Ints), half = whole >> 1;
  const Floats first = reinterpret_cast<Floats>((half + 127) << 23);
  const Floats second = reinterpret_cast<Floats>((whole - half + 127) << 23);
  return {a.v * first * second};
}
inline Vec exponent(Vec a) {
  return {__builtin_convertvector((reinterpret_cast<Ints>(a.v) >> 23) - 127, Floats)};
}
inline Vec mantissa(Vec a) {
  return {reinterpret_cast<Floats>((reinterpret_cast<Ints>(a.v) & 0x007fffff) | 0x3f800000)};
}

inline float sum(Vec a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
inline float largest(Vec a) {
  const float x = a.v[0] > a.v[1] ? a.v[0] : a.v[1], y = a.v[2] > a.v[3] ? a.v[2] : a.v[3];
  return x > y ? x : y;
}

// The sums of four vectors.
inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  out[0] = sum(a), out[1] = sum(b), out[2] = sum(c), out[3] = sum(d);
}

// Lane places[i] of a vector in lane i.
struct Places {
  Ints v;
};
inline Places places_of(const int32_t* p) {
  Places places;
  std::memcpy(&places.v, p, sizeof places.v);
  return places;
}
inline Vec pick(Vec a, Places p) {
  return {Floats{a.v[p.v[0]], a.v[p.v[1]], a.v[p.v[2]], a.v[p.v[3]]}};
}

}  // namespace convnet::portable
