// The register tile of products whose summed index lies in lanes: rows of x times rows of w, four
// at a time. Which sums share a vector depends on the row of w alone, not on the rows of x at hand.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

constexpr int kDotRows = kRegisters >= 32 ? 4 : 3;
constexpr int kDotOutputs = 4;

// y[i][o] = sum over K of x[i][k] w[o][k]: rows of x, y and w lie `x_row`, `y_row` and `w_row`
// floats apart.
struct Dots {
  const float *x, *w;
  float* y;
  int64_t x_row, y_row, w_row, count, K;
};

// Rows row .. row + R, O outputs from `first` on.
template <int R, int O>
CONVNET_INLINE void dot_tile(const Dots& d, int64_t row, int64_t first) {
  const float *x = d.x + row * d.x_row, *w = d.w + first * d.w_row;
  Vec acc[R][kDotOutputs];
  CONVNET_EACH(i, R)
    CONVNET_EACH(o, kDotOutputs) acc[i][o] = zero();
  const auto add = [&](int64_t k, auto load_part) {
    Vec weights[O];
    CONVNET_EACH(o, O) weights[o] = load_part(w + o * d.w_row + k);
    CONVNET_EACH(i, R) {
      const Vec part = load_part(x + i * d.x_row + k);
      CONVNET_EACH(o, O) acc[i][o] = fma(part, weights[o], acc[i][o]);
    }
  };
  int64_t k = 0;
  for (; k + kWidth <= d.K; k += kWidth) add(k, [](const float* p) { return load(p); });
  if (k < d.K) add(k, [&](const float* p) { return load_first(p, d.K - k); });
  CONVNET_EACH(i, R) {
    float sums[kDotOutputs];
    sum4(acc[i][0], acc[i][1], acc[i][2], acc[i][3], sums);
    float* y = d.y + (row + i) * d.y_row + first;
    for (int o = 0; o < O; ++o) y[o] = sums[o];
  }
}

// The rows from `row` on, fewer than R + 1.
template <int R, int O>
CONVNET_INLINE void last_dots(const Dots& d, int64_t row, int64_t first) {
  if (d.count - row == R) {
    dot_tile<R, O>(d, row, first);
  } else if constexpr (R > 1) {
    last_dots<R - 1, O>(d, row, first);
  }
}

template <int O>
__attribute__((noinline)) void dots_of(const Dots& d, int64_t first) {
  int64_t row = 0;
  for (; row + kDotRows <= d.count; row += kDotRows) dot_tile<kDotRows, O>(d, row, first);
  if constexpr (kDotRows > 1) last_dots<kDotRows - 1, O>(d, row, first);
}

// All M outputs of all rows.
inline void dots(const Dots& d, int64_t M) {
  int64_t o = 0;
  for (; o + kDotOutputs <= M; o += kDotOutputs) dots_of<kDotOutputs>(d, o);
  switch (M - o) {
    case 1:
      return dots_of<1>(d, o);
    case 2:
      return dots_of<2>(d, o);
    case 3:
      return dots_of<3>(d, o);
  }
}

}  // namespace convnet::CONVNET_ISA
