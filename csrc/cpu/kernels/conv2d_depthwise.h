// Convolutions of up to three channels a group, samples in lanes: how all directions walk over the
// images. A channel of a pixel is a line of the cache, and those of a pixel follow each other, so
// channels are the innermost loop. Around it are tiles of 2 rows x T columns of the result: what a
// tile loads of the source is used by all taps of both rows. Which rows are read by which taps is
// listed before the loop over channels, and which columns lie inside the source is marked there.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/conv2d_weight.h"
#include "ops/depthwise.h"

namespace convnet::CONVNET_ISA {

void conv2d_depthwise(const KernelArgs& a);
void conv2d_depthwise_backward_input(const KernelArgs& a);
void weight_depthwise(const KernelArgs& a, const Conv2dWeightParams& p);

using DepthwiseLine = DepthwiseScratch::Line;
using DepthwiseTaps = DepthwiseScratch::Taps;

// Columns of a tile, where registers are enough and where they are not.
constexpr int kWideTile = kRegisters >= 32 ? 7 : 4, kNarrowTile = 4;

// The images that a walk leads over: the convolution's own or, for the gradient of its input, the
// other way round.
struct DepthwiseImages {
  const Conv2dParams& p;
  bool transposed;

  int64_t source_rows() const { return transposed ? p.OH : p.H; }
  int64_t source_columns() const { return transposed ? p.OW : p.W; }
  int64_t rows() const { return transposed ? p.H : p.OH; }
  int64_t columns() const { return transposed ? p.W : p.OW; }
  // Floats from pixel to pixel, and channels of a group.
  int64_t source_pitch() const { return (transposed ? p.OC : p.C) * kLanes; }
  int64_t pitch() const { return (transposed ? p.C : p.OC) * kLanes; }
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

// Columns first, first + step, ... of a row of the result, which read sources `spacing` columns
// apart by the same taps. K taps and their sources are next to each other; `stride` such sources
// lie between results.
struct DepthwisePhase {
  int64_t first, step, spacing, stride, K, kernel_step;
  DepthwiseTaps* taps;
  int64_t count;

  DepthwisePhase(const DepthwiseImages& images, int64_t first, DepthwiseTaps* list)
      : first(first), step(steps(images)), taps(list), count(0) {
    const Conv2dParams& p = images.p;
    const bool strided = !images.transposed && p.dx == 1 && p.sx == 2 && (p.KW == 3 || p.KW == 5);
    spacing = p.sx == 1 ? p.dx : images.transposed || strided ? 1 : p.sx;
    stride = strided ? 2 : 1;
    for (int64_t i = 0; i < p.KW; ++i) {
      const int64_t kx = images.transposed ? p.KW - 1 - i : i;
      const int64_t x = images.transposed ? first + p.left - kx * p.dx : first - p.left + kx * p.dx;
      if (!images.transposed)
        taps[count++] = {x, kx};
      else if (x % p.sx == 0)
        taps[count++] = {x / p.sx, kx};
    }
    kernel_step = count > 1 ? taps[1].kernel - taps[0].kernel : 1;
    const bool neighbours = count > 1 && taps[1].column - taps[0].column == spacing;
    K = !neighbours ? 1 : count % 5 == 0 ? 5 : count % 3 == 0 ? 3 : count % 2 == 0 ? 2 : 1;
    count /= K;
    for (int64_t i = 1; i < count; ++i) taps[i] = taps[i * K];
  }

  static int64_t steps(const DepthwiseImages& images) {
    return images.p.sx == 1 ? images.p.dx : images.transposed ? images.p.sx : 1;
  }
};

// Lists what `rows` rows of the result from `row` on read of the source. Weights are numbered [ky]
// [kx][summed channel], in steps of `scale`.
CONVNET_INLINE int64_t list_lines(const DepthwiseImages& images, const DepthwisePhase& phase,
                                  int64_t row, int64_t rows, int64_t scale, DepthwiseLine* lines) {
  const int64_t summed = images.summed(), last = images.last_source(row + rows - 1);
  int64_t count = 0;
  for (int64_t y = images.first_source(row); y <= last; ++y) {
    const int64_t above = images.kernel_row(row, y),
                  below = rows > 1 ? images.kernel_row(row + 1, y) : -1;
    if (above < 0 && below < 0) continue;
    for (int64_t t = 0; t < phase.count; ++t)
      for (int64_t s = 0; s < summed; ++s) {
        const int64_t column = phase.taps[t].column;
        const auto weight = [&](int64_t ky) {
          return ky < 0 ? -1 : ((ky * images.p.KW + phase.taps[t].kernel) * summed + s) * scale;
        };
        lines[count++] = {
            (y * images.source_columns() + column) * images.source_pitch() + s * kLanes,
            column,
            {weight(above), weight(below)},
            0};
      }
  }
  return count;
}

// Marks the columns of a tile that lie inside the source, for a tile `at` columns behind the first.
CONVNET_INLINE void mark_inside(DepthwiseLine* lines, int64_t count, int64_t at, int64_t spacing,
                                int64_t columns) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t x = lines[i].column + at, first = x < 0 ? div_up(-x, spacing) : 0,
                  end = x < columns ? div_up(columns - x, spacing) : 0;
    lines[i].inside = ((1u << least(end, 31)) - 1) & ~((1u << least(first, 31)) - 1);
  }
}

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
  int64_t w_group, w_result, w_scale;
  const float* bias;
  bool relu, far;
  int64_t groups;
};

// What the tiles of a phase have in common: floats from column to column, row to row and group to
// group, and between weights of taps that are next to each other.
struct DepthwiseJob : DepthwiseCall {
  int64_t results, x_step, x_group, y_step, y_row, w_step;
};

struct DepthwiseTile {
  const DepthwiseLine* lines;
  int64_t count;
  const float* x;
  float* y;
  int64_t columns, rows;
};
using DepthwiseTileFn = void (*)(const DepthwiseJob&, const DepthwiseTile&);

// Kind::tile<K, S, T> for a phase.
template <class Kind, int T>
DepthwiseTileFn depthwise_tile(const DepthwisePhase& phase) {
  if (phase.stride == 2)
    return phase.K == 3 ? Kind::template tile<3, 2, T> : Kind::template tile<5, 2, T>;
  switch (phase.K) {
    case 2:
      return Kind::template tile<2, 1, T>;
    case 3:
      return Kind::template tile<3, 1, T>;
    case 5:
      return Kind::template tile<5, 1, T>;
  }
  return Kind::template tile<1, 1, T>;
}

// One or two rows of the result in a phase.
template <class Kind>
void depthwise_rows(const DepthwiseImages& images, const DepthwisePhase& phase,
                    const DepthwiseCall& call, int64_t image, int64_t row, int64_t rows,
                    DepthwiseLine* lines) {
  const int64_t count = list_lines(images, phase, row, rows, call.w_scale, lines),
                width = div_up(images.columns() - phase.first, phase.step),
                x_pitch = images.source_pitch(), y_pitch = images.pitch(),
                y_row = images.columns() * y_pitch;
  const DepthwiseJob job{call,
                         images.results(),
                         phase.spacing * x_pitch,
                         images.summed() * kLanes,
                         phase.step * y_pitch,
                         y_row,
                         phase.kernel_step * images.summed() * call.w_scale};
  const float* x = call.x + image * images.source_rows() * images.source_columns() * x_pitch;
  float* y = call.y + (image * images.rows() + row) * y_row + phase.first * y_pitch;
  // Tiles are narrow where none of their columns would be left over.
  const bool narrow = width % kNarrowTile == 0 && width % kWideTile != 0;
  for (int64_t j = 0, columns; j < width; j += columns) {
    const bool wide = !narrow && width - j > kNarrowTile;
    const int64_t at = j * phase.stride;
    columns = least(wide ? kWideTile : kNarrowTile, width - j);
    mark_inside(lines, count, at * phase.spacing, phase.spacing, images.source_columns());
    const DepthwiseTileFn tile =
        wide ? depthwise_tile<Kind, kWideTile>(phase) : depthwise_tile<Kind, kNarrowTile>(phase);
    tile(job, {lines, count, x + at * job.x_step, y + j * job.y_step, columns, rows});
  }
}

// Rows [begin, end) of the result, counted through all images.
template <class Kind>
void depthwise(const DepthwiseImages& images, const DepthwiseCall& call, int64_t begin, int64_t end,
               void* scratch) {
  const DepthwiseScratch s(images.p, scratch);
  const int64_t phases = least(DepthwisePhase::steps(images), images.columns());
  for (int64_t unit = begin, rows; unit < end; unit += rows) {
    const int64_t image = unit / images.rows(), row = unit % images.rows();
    rows = images.share_rows() ? least(2, least(images.rows() - row, end - unit)) : 1;
    for (int64_t first = 0; first < phases; ++first)
      depthwise_rows<Kind>(images, {images, first, s.taps}, call, image, row, rows, s.lines);
  }
}

}  // namespace convnet::CONVNET_ISA
