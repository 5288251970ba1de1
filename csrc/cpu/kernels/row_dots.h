// A matrix times one vector, row by row: y[k] = start[k] + sum over m of w[k][m] x[m]. Several rows
// share a read of x; their sums across lanes are taken four at a time. Each row is summed in one
// chain, whoever its neighbours are.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

constexpr int kDotRows = 8;  // as many lines as a set of the first-level cache holds

struct RowDots {
  const float *w, *x, *start;  // start null: zeros
  float* y;
  int64_t M, pitch;  // pitch: floats from row to row of w
};

// Rows k .. k + R; of them `count` are wanted and exist.
template <int R>
__attribute__((noinline)) void dots_of_rows(const RowDots& d, int64_t k, int64_t count) {
  const float* row[R];
  CONVNET_EACH(i, R) row[i] = d.w + (k + least(i, count - 1)) * d.pitch;
  Vec acc[R];
  CONVNET_EACH(i, R) acc[i] = zero();
  int64_t m = 0;
  for (; m + kWidth <= d.M; m += kWidth) {
    const Vec x = load(d.x + m);
    CONVNET_EACH(i, R) acc[i] = fma(load(row[i] + m), x, acc[i]);
  }
  if (m < d.M) {
    const Vec x = load_first(d.x + m, d.M - m);
    CONVNET_EACH(i, R) acc[i] = fma(load_first(row[i] + m, d.M - m), x, acc[i]);
  }
  float sums[R];
  CONVNET_EACH(i, R / 4)
    sum4(acc[4 * i], acc[4 * i + 1], acc[4 * i + 2], acc[4 * i + 3], sums + 4 * i);
  for (int64_t i = 0; i < count; ++i) d.y[k + i] = d.start ? d.start[k + i] + sums[i] : sums[i];
}

// Rows [begin, end), from the last ones on where `back`.
inline void row_dots(const RowDots& d, int64_t begin, int64_t end, bool back = false) {
  const int64_t fours = div_up(end - begin, 4), whole = fours * 4 / kDotRows,
                groups = whole + fours - whole * (kDotRows / 4);
  for (int64_t i = 0; i < groups; ++i) {
    const int64_t group = back ? groups - 1 - i : i;
    if (group < whole) {
      const int64_t k = begin + group * kDotRows;
      dots_of_rows<kDotRows>(d, k, least(kDotRows, end - k));
    } else {
      const int64_t k = begin + whole * kDotRows + (group - whole) * 4;
      dots_of_rows<4>(d, k, least(4, end - k));
    }
  }
}

}  // namespace convnet::CONVNET_ISA
