// Sums of outer products with few columns: rows lie in lanes, since a vector of so few columns
// would be half empty, and what comes of it is transposed. The sums are those of outer_sum, bit by
// bit.
#pragma once

#include "cpu/kernels/outer_sum.h"
#include "cpu/simd/transpose.h"
#include "ops/dense.h"

namespace convnet::CONVNET_ISA {

constexpr int kThinColumns = 4;  // of a tile
constexpr int kThinVectors = kRegisters >= 32 ? 4 : 2;

// Columns of a run of rows, transposed: [column][row].
using ThinRun = float[(kThinOutputs + kWidth - 1) / kWidth * kWidth][kThinWeightUnit];

// C columns of V vectors of rows from t.x on, the last of `last` rows.
template <int C, int V, bool whole>
CONVNET_INLINE void thin_tile(const OuterTerms& t, int64_t last, float* out) {
  Vec acc[C][V];
  CONVNET_EACH(c, C)
    CONVNET_EACH(v, V) acc[c][v] = zero();
  const float *x = t.x, *g = t.g;
  for (int64_t n = 0; n < t.count; ++n, x += t.x_step, g += t.g_step) {
    Vec rows[V];
    CONVNET_EACH(v, V) rows[v] = load_part<whole>(x + v * kWidth, last);
    CONVNET_EACH(c, C) {
      const Vec column = set1(g[c]);
      CONVNET_EACH(v, V) acc[c][v] = fma(rows[v], column, acc[c][v]);
    }
  }
  CONVNET_EACH(c, C)
    CONVNET_EACH(v, V) store(out + c * kThinWeightUnit + v * kWidth, acc[c][v]);
}

// C columns of up to kThinWeightUnit rows.
template <int C>
__attribute__((noinline)) void thin_columns(const OuterTerms& t, int64_t rows, float* out) {
  constexpr int kRows = kThinVectors * kWidth;
  OuterTerms at = t;
  for (; rows >= kRows; rows -= kRows, at.x += kRows, out += kRows)
    thin_tile<C, kThinVectors, true>(at, kWidth, out);
  for (; rows > 0; rows -= kWidth, at.x += kWidth, out += kWidth)
    thin_tile<C, 1, false>(at, least(rows, kWidth), out);
}

// Rows of results, `columns` floats each, from their columns.
inline void thin_rows(const ThinRun& run, float* out, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r += kWidth)
    for (int64_t c = 0; c < columns; c += kWidth) {
      Vec square[kWidth];
      CONVNET_EACH(i, kWidth) square[i] = load(run[c + i] + r);
      transpose(square);
      CONVNET_EACH(i, kWidth)
        if (r + i < rows)
          store_first(out + (r + i) * columns + c, least(kWidth, columns - c), square[i]);
    }
}

// Rows [begin, end) of fresh results, at most kThinOutputs columns.
inline void outer_sum_of_few_columns(const OuterTerms& t, float* out, int64_t begin, int64_t end,
                                     int64_t columns) {
  ThinRun run = {};
  for (int64_t row = begin; row < end; row += kThinWeightUnit) {
    const int64_t rows = least(kThinWeightUnit, end - row);
    for (int64_t c = 0; c < columns; c += kThinColumns) {
      const OuterTerms at{t.x + row, t.g + c, t.x_step, t.g_step, t.count};
      switch (least(kThinColumns, columns - c)) {
        case 4:
          thin_columns<4>(at, rows, run[c]);
          break;
        case 3:
          thin_columns<3>(at, rows, run[c]);
          break;
        case 2:
          thin_columns<2>(at, rows, run[c]);
          break;
        case 1:
          thin_columns<1>(at, rows, run[c]);
          break;
      }
    }
    thin_rows(run, out + row * columns, rows, columns);
  }
}

}  // namespace convnet::CONVNET_ISA
