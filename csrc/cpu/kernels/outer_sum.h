// Sums of outer products: out[r][c] += sum over terms of x[r] g[c]. This is how weights of shards
// of one sample get their gradients: columns lie in lanes, and a tile of results stays in registers
// while it goes through the terms.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

constexpr int kOuterRows = kRegisters >= 32 ? 6 : 4;
constexpr int kOuterVectors = kRegisters >= 32 ? 4 : 2;

// Terms that lie evenly: x and g of the next one are `x_step`, `g_step` floats on.
struct OuterTerms {
  const float *x, *g;
  int64_t x_step, g_step, count;
};

// Rows of results, `pitch` floats apart; `fresh`: nothing is there yet.
struct OuterResult {
  float* out;
  int64_t pitch;
  bool fresh;
};

template <int R, int V, bool whole>
__attribute__((noinline)) void outer_tile(const OuterTerms& t, const OuterResult& r, int64_t last) {
  const auto columns = [&](const float* p, int v) {
    return whole || v < V - 1 ? load(p + v * kWidth) : load_first(p + v * kWidth, last);
  };
  Vec acc[R][V];
  CONVNET_EACH(i, R)
    CONVNET_EACH(v, V) acc[i][v] = r.fresh ? zero() : columns(r.out + i * r.pitch, v);
  const float *x = t.x, *g = t.g;
  for (int64_t n = 0; n < t.count; ++n, x += t.x_step, g += t.g_step) {
    Vec column[V];
    CONVNET_EACH(v, V) column[v] = columns(g, v);
    CONVNET_EACH(i, R) {
      const Vec s = set1(x[i]);
      CONVNET_EACH(v, V) acc[i][v] = fma(s, column[v], acc[i][v]);
    }
  }
  CONVNET_EACH(i, R)
    CONVNET_EACH(v, V) {
      float* to = r.out + i * r.pitch + v * kWidth;
      if (whole || v < V - 1)
        store(to, acc[i][v]);
      else
        store_first(to, last, acc[i][v]);
    }
}

template <int R, int V>
CONVNET_INLINE void outer_tile_of(int64_t rows, int64_t vectors, const OuterTerms& t,
                                  const OuterResult& r, int64_t last) {
  if constexpr (R > 1)
    if (rows < R) return outer_tile_of<R - 1, V>(rows, vectors, t, r, last);
  if constexpr (V > 1)
    if (vectors < V) return outer_tile_of<R, V - 1>(rows, vectors, t, r, last);
  if (last == kWidth)
    outer_tile<R, V, true>(t, r, last);
  else
    outer_tile<R, V, false>(t, r, last);
}

// Rows [begin, end) of the results, all their columns.
inline void outer_sum(const OuterTerms& t, const OuterResult& r, int64_t begin, int64_t end,
                      int64_t columns) {
  if (begin >= end || columns == 0) return;
  const int64_t vectors = div_up(columns, kWidth), panels = div_up(vectors, kOuterVectors);
  const int64_t rows = end - begin, groups = div_up(rows, kOuterRows);
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t first = cut(vectors, panels, panel), next = cut(vectors, panels, panel + 1);
    const int64_t at = first * kWidth, last = least(next * kWidth, columns) - (next - 1) * kWidth;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t row = begin + cut(rows, groups, group);
      outer_tile_of<kOuterRows, kOuterVectors>(
          begin + cut(rows, groups, group + 1) - row, next - first,
          {t.x + row, t.g + at, t.x_step, t.g_step, t.count},
          {r.out + row * r.pitch + at, r.pitch, r.fresh}, last);
    }
  }
}

}  // namespace convnet::CONVNET_ISA
