// Weights times vectors of samples: out[m] = init[m] + sum over k of x[k] w[k][m], with the 16
// samples of a shard in lanes. Weights are packed in panels of up to kPanel columns
// [panel][k][column], so that a panel's accumulators stay in registers and its weights are read in
// a row. Panels of one matrix differ by at most one column.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

constexpr int kPanel = kRegisters >= 32 ? 24 / kVectors : kVectors > 2 ? 3 : 6;

CONVNET_INLINE int64_t panels(int64_t M) { return div_up(M, kPanel); }
CONVNET_INLINE int64_t panel_begin(int64_t M, int64_t panel) { return cut(M, panels(M), panel); }

template <int C>
CONVNET_INLINE void panel_product(const float* x, int64_t K, const float* w, const float* init,
                                  float* out) {
  Vec acc[C][kVectors];
  CONVNET_UNROLL(24)
  for (int c = 0; c < C; ++c)
    CONVNET_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) acc[c][v] =
        init ? load(init + c * kLanes + v * kWidth) : zero();
  for (int64_t k = 0; k < K; ++k, x += kLanes, w += C) {
    Vec s[kVectors];
    CONVNET_UNROLL(4) for (int v = 0; v < kVectors; ++v) s[v] = load(x + v * kWidth);
    CONVNET_UNROLL(24) for (int c = 0; c < C; ++c) {
      const Vec weight = set1(w[c]);
      CONVNET_UNROLL(4) for (int v = 0; v < kVectors; ++v) acc[c][v] = fma(s[v], weight, acc[c][v]);
    }
  }
  CONVNET_UNROLL(24)
  for (int c = 0; c < C; ++c)
    CONVNET_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) store(out + c * kLanes + v * kWidth, acc[c][v]);
}

// The rows of one panel: x, init and out move on by their pitch from row to row.
struct PanelRows {
  const float *x, *w, *init;
  float* out;
  int64_t K, count, x_pitch, init_pitch, out_pitch;
};

template <int C>
__attribute__((noinline)) void panel_rows(const PanelRows& r) {
  for (int64_t i = 0; i < r.count; ++i)
    panel_product<C>(r.x + i * r.x_pitch, r.K, r.w, r.init ? r.init + i * r.init_pitch : nullptr,
                     r.out + i * r.out_pitch);
}

template <int C>
CONVNET_INLINE void panel_of(int64_t columns, const PanelRows& r) {
  if (columns == C)
    panel_rows<C>(r);
  else if constexpr (C > 1)
    panel_of<C - 1>(columns, r);
}

// out [M][16] = init [M][16] (zero where null) + x [K][16] times packed weights [K][M].
inline void product(const float* x, int64_t K, const float* packed, int64_t M, const float* init,
                    float* out) {
  for (int64_t p = 0; p < panels(M); ++p) {
    const int64_t begin = panel_begin(M, p), columns = panel_begin(M, p + 1) - begin;
    panel_of<kPanel>(columns, {x, packed + begin * K, init ? init + begin * kLanes : nullptr,
                               out + begin * kLanes, K, 1, 0, 0, 0});
  }
}

}  // namespace convnet::CONVNET_ISA
