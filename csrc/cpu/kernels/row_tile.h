// The register tile of kernels with output channels in lanes: up to 8 rows (pixels, time steps,
// samples) of up to 4 vectors of channels, inputs broadcast. More rows would not fit a set of the
// first-level cache where they lie a multiple of its size apart.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/activation.h"

namespace convnet::CONVNET_ISA {

constexpr int kRowVectors = kRegisters >= 32 ? 4 : 3;

// Rows of a tile with V vectors.
constexpr int rows_of_tile(int V) { return kRegisters >= 32 ? (V < 3 ? 8 : 24 / V) : 12 / (V + 1); }

// What a row is summed over: outer x inner runs of K inputs each; weights [outer][inner][K][pitch]
// follow each other.
struct Runs {
  int64_t outer, inner, K;
  int64_t outer_step, inner_step;  // floats from run to run of the input
  int64_t pitch;                   // floats from row to row of the weights
  const int32_t* taps = nullptr;   // where all inputs of a row lie, if one loop over all is faster
};

// Rows of the result: inputs lie `x_row` floats apart, results `y_row`.
struct Rows {
  const float *x, *w, *bias;  // w, bias: at the first channel
  float* y;
  int64_t x_row, y_row, count;
  bool relu;
};

// What one input of each of R rows gives to V vectors, of which the last has `last` channels.
template <int R, int V, bool whole>
CONVNET_INLINE void add_input(Vec (&acc)[R][V], const float* x, int64_t x_row, const float* w,
                              int64_t last) {
  Vec weights[V];
  CONVNET_EACH(v, V) {
    const float* channels = w + v * kWidth;
    weights[v] = whole || v < V - 1 ? load(channels) : load_first(channels, last);
  }
  CONVNET_EACH(i, R) {
    const Vec s = set1(x[i * x_row]);
    CONVNET_EACH(v, V) acc[i][v] = fma(s, weights[v], acc[i][v]);
  }
}

// R rows of V vectors.
template <int R, int V, bool whole>
CONVNET_INLINE void row_tile(const Runs& runs, const Rows& r, int64_t row, int64_t last) {
  Vec acc[R][V];
  CONVNET_EACH(v, V) {
    const Vec start = !r.bias              ? zero()
                      : whole || v < V - 1 ? load(r.bias + v * kWidth)
                                           : load_first(r.bias + v * kWidth, last);
    CONVNET_EACH(i, R) acc[i][v] = start;
  }
  const float *w = r.w, *first = r.x + row * r.x_row;
  if (runs.taps) {
    const int64_t taps = runs.outer * runs.inner * runs.K;
    for (int64_t i = 0; i < taps; ++i, w += runs.pitch)
      add_input<R, V, whole>(acc, first + runs.taps[i], r.x_row, w, last);
  } else {
    for (int64_t o = 0; o < runs.outer; ++o)
      for (int64_t n = 0; n < runs.inner; ++n) {
        const float* x = first + o * runs.outer_step + n * runs.inner_step;
        for (int64_t k = 0; k < runs.K; ++k, w += runs.pitch)
          add_input<R, V, whole>(acc, x + k, r.x_row, w, last);
      }
  }
  const Vec least = set1(r.relu ? 0.0f : -HUGE_VALF);
  float* y = r.y + row * r.y_row;
  CONVNET_EACH(i, R) {
    CONVNET_EACH(v, V) {
      const Vec value = max(least, acc[i][v]);
      if (whole || v < V - 1)
        store(y + v * kWidth, value);
      else
        store_first(y + v * kWidth, last, value);
    }
    y += r.y_row;
  }
}

// The rows from `row` on, fewer than R + 1.
template <int R, int V, bool whole>
CONVNET_INLINE void last_rows(const Runs& runs, const Rows& r, int64_t row, int64_t last) {
  if (r.count - row == R) {
    row_tile<R, V, whole>(runs, r, row, last);
  } else if constexpr (R > 1) {
    last_rows<R - 1, V, whole>(runs, r, row, last);
  }
}

template <int V, bool whole>
__attribute__((noinline)) void tiles_of_rows(const Runs& all_runs, const Rows& all, int64_t last) {
  constexpr int R = rows_of_tile(V);
  // Copies, for a store of a vector may write anything that is not.
  const Runs runs = all_runs;
  const Rows r = all;
  int64_t row = 0;
  for (; row + R <= r.count; row += R) row_tile<R, V, whole>(runs, r, row, last);
  if constexpr (R > 1) last_rows<R - 1, V, whole>(runs, r, row, last);
}

template <int V>
CONVNET_INLINE void tiles_of_vectors(int64_t vectors, const Runs& runs, const Rows& r,
                                     int64_t last) {
  if (vectors == V) {
    if (last == kWidth)
      tiles_of_rows<V, true>(runs, r, last);
    else
      tiles_of_rows<V, false>(runs, r, last);
  } else if constexpr (V > 1) {
    tiles_of_vectors<V - 1>(vectors, runs, r, last);
  }
}

// A block of at most kRowVectors vectors of channels of all rows.
inline void row_block(const Runs& runs, const Rows& r, int64_t channels) {
  const int64_t vectors = div_up(channels, kWidth);
  tiles_of_vectors<kRowVectors>(vectors, runs, r, channels - (vectors - 1) * kWidth);
}

// Calls body(first channel, channels) for blocks of nearly equal size, from the last one on where
// `back`.
template <class Body>
CONVNET_INLINE void each_block(int64_t channels, Body body, bool back = false) {
  const int64_t vectors = div_up(channels, kWidth), blocks = div_up(vectors, kRowVectors);
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t b = back ? blocks - 1 - i : i;
    const int64_t first = cut(vectors, blocks, b) * kWidth,
                  end = least(cut(vectors, blocks, b + 1) * kWidth, channels);
    body(first, end - first);
  }
}

}  // namespace convnet::CONVNET_ISA
