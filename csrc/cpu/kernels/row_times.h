// One row times a matrix, outputs in lanes: y[m] = start[m] + sum over k of x[k] w[k][m]. Up to
// kRowVectors vectors of outputs at a time, each summed in four chains, so that the latency of a
// multiply-add is hidden: as many for any number of vectors, since units may be cut anywhere.
#pragma once

#include "cpu/kernels/row_tile.h"

namespace convnet::CONVNET_ISA {

constexpr int kChains = 4;

struct RowTimes {
  const float *x, *w, *start;  // start null: zeros
  float* y;
  int64_t K, pitch;  // pitch: floats from row to row of w
};

template <int V, bool whole>
__attribute__((noinline)) void chains(const RowTimes& r, int64_t first, int64_t last) {
  const auto outputs = [&](const float* p, int v) {
    return whole || v < V - 1 ? load(p + v * kWidth) : load_first(p + v * kWidth, last);
  };
  Vec acc[kChains][V];
  CONVNET_EACH(v, V) {
    acc[0][v] = r.start ? outputs(r.start + first, v) : zero();
    for (int c = 1; c < kChains; ++c) acc[c][v] = zero();
  }
  const float* w = r.w + first;
  int64_t k = 0;
  for (; k + kChains <= r.K; k += kChains)
    CONVNET_EACH(c, kChains) {
      const Vec s = set1(r.x[k + c]);
      CONVNET_EACH(v, V) acc[c][v] = fma(s, outputs(w + (k + c) * r.pitch, v), acc[c][v]);
    }
  for (; k < r.K; ++k) {
    const Vec s = set1(r.x[k]);
    CONVNET_EACH(v, V) acc[0][v] = fma(s, outputs(w + k * r.pitch, v), acc[0][v]);
  }
  CONVNET_EACH(v, V) {
    const Vec total = (acc[0][v] + acc[1][v]) + (acc[2][v] + acc[3][v]);
    float* y = r.y + first + v * kWidth;
    if (whole || v < V - 1)
      store(y, total);
    else
      store_first(y, last, total);
  }
}

template <int V = kRowVectors>
CONVNET_INLINE void chains_of(int64_t vectors, const RowTimes& r, int64_t first, int64_t last) {
  if (vectors == V) {
    if (last == kWidth)
      chains<V, true>(r, first, last);
    else
      chains<V, false>(r, first, last);
  } else if constexpr (V > 1) {
    chains_of<V - 1>(vectors, r, first, last);
  }
}

// Outputs [begin, end), from the last ones on where `back`.
inline void row_times(const RowTimes& r, int64_t begin, int64_t end, bool back = false) {
  const auto block = [&](int64_t at, int64_t outputs) {
    const int64_t vectors = div_up(outputs, kWidth);
    chains_of(vectors, r, begin + at, outputs - (vectors - 1) * kWidth);
  };
  each_block(end - begin, block, back);
}

}  // namespace convnet::CONVNET_ISA
