// Weights times vectors of samples: out[m] = init[m] + sum over k of x[k] w[k][m], with the 16
// samples of a shard in lanes. Weights are packed in panels of up to kPanel columns
// [panel][k][column], so that a panel's accumulators stay in registers and its weights are read in
// a row. The first `narrow` panels of a matrix have `columns` columns, the others one more. Where
// threads share a product, there is an even number of panels.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/kernels/rnn_ahead.h"

namespace convnet::CONVNET_ISA {

constexpr int kPanel = kRegisters >= 32 ? 24 / kVectors : kVectors > 2 ? 3 : 6;

struct Panels {
  int64_t count, columns, narrow;

  explicit Panels(int64_t M, bool shared = false)
      : count(shared && M > kPanel ? div_up(M, 2 * kPanel) * 2 : div_up(M, kPanel)),
        columns(M / count),
        narrow(count - M % count) {}
  int64_t width(int64_t panel) const { return columns + (panel >= narrow); }
  int64_t begin(int64_t panel) const { return panel * columns + most(panel - narrow, 0); }
};

// x [rows][K][16], init [rows or 1][M][16] or null (zeros), out [rows][M][16].
struct Product {
  const float *x, *w, *init;
  float* out;
  int64_t K, M, rows;
  bool one_init;
};

template <int C, class A>
CONVNET_INLINE void panel_row(const float* x, int64_t K, const float* w, const float* init,
                              float* out, A& ahead) {
  Vec acc[C][kVectors];
  CONVNET_EACH(c, C) {
    CONVNET_EACH(v, kVectors) {
      acc[c][v] = init ? load(init + c * kLanes + v * kWidth) : zero();
    }
  }
  for (int64_t k = 0; k < K; ++k, x += kLanes, w += C) {
    ahead.line();
    Vec s[kVectors];
    CONVNET_EACH(v, kVectors) s[v] = load(x + v * kWidth);
    CONVNET_EACH(c, C) {
      const Vec weight = set1(w[c]);
      CONVNET_EACH(v, kVectors) acc[c][v] = fma(s[v], weight, acc[c][v]);
    }
  }
  CONVNET_EACH(c, C) {
    CONVNET_EACH(v, kVectors) {
      store(out + c * kLanes + v * kWidth, acc[c][v]);
    }
  }
}

// All rows of `count` panels of C columns, the first of which begins at column `begin`.
template <int C, class A>
__attribute__((noinline)) void panel_run(const Product& p, int64_t begin, int64_t count, A& ahead) {
  A own = ahead;  // in registers
  for (int64_t first = begin; first < begin + count * C; first += C) {
    const float *x = p.x, *w = p.w + first * p.K,
                *init = p.init ? p.init + first * kLanes : nullptr;
    float* out = p.out + first * kLanes;
    for (int64_t row = 0; row < p.rows; ++row, x += p.K * kLanes, out += p.M * kLanes) {
      panel_row<C>(x, p.K, w, init, out, own);
      if (init && !p.one_init) init += p.M * kLanes;
    }
  }
  ahead = own;
}

template <int C = kPanel, class A>
CONVNET_INLINE void panel_runs(int64_t columns, const Product& p, int64_t begin, int64_t count,
                               A& ahead) {
  if (columns == C) {
    panel_run<C>(p, begin, count, ahead);
  } else if constexpr (C > 1) {
    panel_runs<C - 1>(columns, p, begin, count, ahead);
  }
}

// Panels [first, end), of those that there are.
template <class A>
inline void multiply(const Product& p, const Panels& panels, int64_t first, int64_t end, A& ahead) {
  end = least(end, panels.count);
  const int64_t narrow = least(end, panels.narrow) - first, wide = most(first, panels.narrow);
  if (narrow > 0) panel_runs(panels.columns, p, panels.begin(first), narrow, ahead);
  if (wide < end) panel_runs(panels.columns + 1, p, panels.begin(wide), end - wide, ahead);
}

template <class A>
inline void multiply(const Product& p, A ahead) {
  const Panels panels(p.M);
  multiply(p, panels, 0, panels.count, ahead);
}

}  // namespace convnet::CONVNET_ISA
