// One row times a matrix of fewer columns than a vector has lanes: y[m] = start[m] + sum over k of
// x[k] w[k][m]. The matrix is read as it lies, so that no lane is idle and no line is read twice:
// after a period of P vectors a row of it begins with a vector again, and a lane of a period always
// has the same column. Inputs are brought into place by a permutation.
#pragma once

#include "cpu/kernels/row_times.h"

namespace convnet::CONVNET_ISA {

constexpr int64_t kNarrowInputs = 256;  // from which the places of a period are worth finding
constexpr int kLongestPeriod = 7;

// Vectors of a period of M columns; more than kLongestPeriod where it is not to be used.
CONVNET_INLINE int64_t period_of(int64_t M) {
  int64_t P = M;
  for (int64_t lanes = kWidth; P % 2 == 0 && lanes > 1; lanes /= 2) P /= 2;
  return M < kWidth ? P : kLongestPeriod + 1;
}

template <int P>
__attribute__((noinline)) void periods(const RowTimes& r, int64_t M) {
  constexpr int U = P > 3 ? 1 : 4;  // chains that hide the latency of a multiply-add
  constexpr int64_t size = P * kWidth;
  const int64_t rows = size / M;
  int32_t row_of[size];
  for (int64_t i = 0, row = 0; row < rows; ++row)
    for (int64_t m = 0; m < M; ++m) row_of[i++] = static_cast<int32_t>(row);
  Places places[P];
  CONVNET_EACH(v, P) places[v] = places_of(row_of + v * kWidth);
  Vec acc[U][P];
  CONVNET_EACH(u, U)
    CONVNET_EACH(v, P) acc[u][v] = zero();
  const float *x = r.x, *w = r.w;
  int64_t k = 0;
  for (; k + U * rows <= r.K; k += U * rows)
    CONVNET_EACH(u, U) {
      const Vec inputs = load_first(x, rows);
      CONVNET_EACH(v, P) acc[u][v] = fma(pick(inputs, places[v]), load(w + v * kWidth), acc[u][v]);
      x += rows;
      w += size;
    }
  for (; k < r.K; k += rows, x += rows, w += size) {
    const int64_t left = least(rows, r.K - k);
    const Vec inputs = load_first(x, left);
    CONVNET_EACH(v, P) {
      const int64_t n = most(0, least(kWidth, left * M - v * kWidth));
      acc[0][v] = fma(pick(inputs, places[v]), load_first(w + v * kWidth, n), acc[0][v]);
    }
  }
  float sums[size];
  CONVNET_EACH(v, P) {
    Vec total = acc[0][v];
    for (int u = 1; u < U; ++u) total = total + acc[u][v];
    store(sums + v * kWidth, total);
  }
  Vec y = r.start ? load_first(r.start, M) : zero();
  for (int64_t row = 0; row < rows; ++row) y = y + load_first(sums + row * M, M);
  store_first(r.y, M, y);
}

// All M columns, of which a period is short enough.
inline void narrow_row(const RowTimes& r, int64_t M) {
  switch (period_of(M)) {
    case 1:
      return periods<1>(r, M);
    case 3:
      return periods<3>(r, M);
    case 5:
      return periods<5>(r, M);
    case 7:
      return periods<7>(r, M);
  }
}

}  // namespace convnet::CONVNET_ISA
