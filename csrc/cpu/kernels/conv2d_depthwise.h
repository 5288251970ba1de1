// Convolutions of up to three channels a group: how all directions walk over the images. Channels
// of a pixel follow each other, each a line of the cache where samples lie in lanes, so they are
// the innermost loop. Around it are tiles of 2 rows x T columns of the result: what a tile loads of
// the source is used by all taps of both rows. Which rows are read by which taps is listed before
// the loop over channels, and which columns lie inside the source is marked there.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/conv2d_weight.h"
#include "ops/depthwise.h"

namespace convnet::CONVNET_ISA {

void conv2d_depthwise(const KernelArgs& a);
void conv2d_depthwise_backward_input(const KernelArgs& a);
void conv2d_depthwise_of_one(const KernelArgs& a);
void weight_depthwise(const KernelArgs& a, const Conv2dWeightParams& p);

using DepthwiseLine = DepthwiseScratch::Line;
using DepthwiseTaps = DepthwiseScratch::Taps;

// Columns of a tile.
constexpr int kWideTile = kRegisters >= 32 ? 7 : 4, kNarrowTile = 4;

// The images that a walk leads over: the convolution's own or, for the gradient of its input, the
// other way round.
struct DepthwiseImages {
  const Conv2dParams& p;
  bool transposed;
  int64_t lanes;

  int64_t source_rows() const { return transposed ? p.OH : p.H; }
  int64_t source_columns() const { return transposed ? p.OW : p.W; }
  int64_t rows() const { return transposed ? p.H : p.OH; }
  int64_t columns() const { return transposed ? p.W : p.OW; }
  // Floats from pixel to pixel, and channels of a group.
  int64_t source_pitch() const { return (transposed ? p.OC : p.C) * lanes; }
  int64_t pitch() const { return (transposed ? p.C : p.OC) * lanes; }
  int64_t summed() const { return transposed ? p.out_group() : p.in_group(); }
  int64_t results() const { return transposed ? p.in_group() : p.out_group(); }

  // The kernel row by which a row of the result reads one of the source; -1: by none.
  int64_t kernel_row(int64_t row, int64_t source) const {
    const int64_t d = transposed ? row + p.top - source * p.sy : source + p.top - row * p.sy;
    return d >= 0 && d % p.dy == 0 && d / p.dy < p.KH ? d / p.dy : -1;
  }
  // Rows of the source that two rows of the result may read.
  int64_t first_source(int64_t row) const {
    if (!transposed) return most(0, row * p.sy - p.top);
    return div_up(most(0, row + p.top - (p.KH - 1) * p.dy), p.sy);
  }
  int64_t last_source(int64_t row) const {
    const int64_t last = transposed ? (row + p.top) / p.sy : row * p.sy - p.top + (p.KH - 1) * p.dy;
    return least(last, source_rows() - 1);
  }
  // Whether two rows that follow each other read the same rows of the source.
  bool share_rows() const { return p.dy == 1 && (transposed || p.KH > p.sy); }
};

// The columns that are inside, zeros for others. x: the first one.
template <int C>
CONVNET_INLINE void load_inside(Vec (&in)[C], const float* x, int64_t step, uint32_t inside) {
  CONVNET_EACH(c, C) {
    in[c] = zero();
    if (inside >> c & 1) in[c] = load(x);
    x += step;
  }
}

// Asks for a channel of n columns.
CONVNET_INLINE void prefetch_columns(const float* x, int64_t n, int64_t step) {
  CONVNET_UNROLL(1)
  for (int64_t i = 0; i < n; ++i) prefetch(x + i * step);
}

// Source and result are too many for the last-level cache: what misses is asked for ahead.
CONVNET_INLINE bool beyond_cache(const Conv2dParams& p) {
  constexpr int64_t kCacheFloats = 1 << 22;
  return p.outer * (p.H * p.W * p.C + p.OH * p.OW * p.OC) * kLanes >= kCacheFloats;
}

// A call: x is the source, y the result or its gradient. Weights, or sums for their gradients, lie
// [group][result channel][tap][summed channel], in steps of w_group, w_result and w_scale.
struct DepthwiseCall {
  const float* x;
  float *y, *w;
  int64_t x_group, w_group, w_result, w_scale;
  const float* bias;
  bool relu, far;
  int64_t groups;
};

// What the tiles of a walk have in common: floats from column to column and from row to row, and
// between weights of taps that are next to each other.
struct DepthwiseJob : DepthwiseCall {
  int64_t results, x_step, y_step, y_row, w_step;
};

struct DepthwiseTile {
  const DepthwiseLine* lines;
  int64_t count;
  const float* x;
  float* y;
  int64_t columns, rows;
};
using DepthwiseTileFn = void (*)(const DepthwiseJob&, const DepthwiseTile&);

// The tiles of K taps side by side, for sources next to each other: `plain` by K. `strided`: 3 and
// 5 taps of every second source.
struct DepthwiseTiles {
  int64_t columns;
  DepthwiseTileFn plain[6], strided[2];
};
template <class Kind, int T>
constexpr DepthwiseTiles kDepthwiseTiles = {
    T,
    {nullptr, Kind::template tile<1, 1, T>, Kind::template tile<2, 1, T>,
     Kind::template tile<3, 1, T>, nullptr, Kind::template tile<5, 1, T>},
    {Kind::template tile<3, 2, T>, Kind::template tile<5, 2, T>}};

// Columns [left, right) of rows [begin, end) of the result, which are counted through all images.
struct DepthwisePart {
  int64_t begin, end, left, right;
};
void depthwise(const DepthwiseImages& images, const DepthwiseCall& call, const DepthwisePart& part,
               const DepthwiseTiles& wide, const DepthwiseTiles& narrow, void* scratch);

}  // namespace convnet::CONVNET_ISA
