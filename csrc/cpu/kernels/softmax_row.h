// Parts of a softmax over a row whose elements follow each other: elements in lanes.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/kernels/tail.h"
#include "cpu/simd/math.h"

namespace convnet::CONVNET_ISA {

// part(i, n) for each vector of a row of `size`: n of its lanes are part of the row.
template <class Part>
CONVNET_INLINE void each_part(int64_t size, Part part) {
  for (int64_t i = 0; i < size; i += kWidth) part(i, least(kWidth, size - i));
}

inline float largest_of_row(const float* x, int64_t size) {
  Vec top = set1(x[0]);
  each_part(size, [&](int64_t i, int64_t n) {
    const Vec v = load_some(x + i, n);
    top = max(top, select(live_mask(n, 0), v, top));
  });
  return largest(top);
}

// Sum of exp(x - top), the terms themselves kept where there is room for them.
inline float sum_exp_of_row(const float* x, int64_t size, float top, float* terms = nullptr) {
  Vec total = zero();
  each_part(size, [&](int64_t i, int64_t n) {
    const Vec e = exp(load_some(x + i, n) - set1(top));
    if (terms) store_some(terms + i, n, e);
    total = total + keep(live_mask(n, 0), e);
  });
  return sum(total);
}

// Sum over the row of term(i, n), vectors of numbers that count where they are part of it.
template <class Term>
CONVNET_INLINE float sum_of_row(int64_t size, Term term) {
  Vec total = zero();
  each_part(size, [&](int64_t i, int64_t n) { total = total + keep(live_mask(n, 0), term(i, n)); });
  return sum(total);
}

inline float log_of(float x) {
  float all[kWidth];
  store(all, log(set1(x)));
  return all[0];
}

}  // namespace convnet::CONVNET_ISA
