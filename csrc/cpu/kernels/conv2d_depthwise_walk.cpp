// The walk of convolutions of few channels a group over the rows and columns of the result: see
// conv2d_depthwise.h.
#include "cpu/kernels/conv2d_depthwise.h"

namespace convnet::CONVNET_ISA {

namespace {

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
int64_t list_lines(const DepthwiseImages& images, const DepthwisePhase& phase, int64_t row,
                   int64_t rows, int64_t scale, DepthwiseLine* lines) {
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
            (y * images.source_columns() + column) * images.source_pitch() + s * images.lanes,
            column,
            {weight(above), weight(below)},
            0};
      }
  }
  return count;
}

// Marks the columns of a tile that lie inside the source, for a tile `at` columns behind the first.
void mark_inside(DepthwiseLine* lines, int64_t count, int64_t at, int64_t spacing,
                 int64_t columns) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t x = lines[i].column + at, first = x < 0 ? div_up(-x, spacing) : 0,
                  end = x < columns ? div_up(columns - x, spacing) : 0;
    lines[i].inside = ((1u << least(end, 31)) - 1) & ~((1u << least(first, 31)) - 1);
  }
}

DepthwiseTileFn tile_for(const DepthwisePhase& phase, const DepthwiseTiles& tiles) {
  return phase.stride == 2 ? tiles.strided[phase.K == 5] : tiles.plain[phase.K];
}

}  // namespace

void depthwise(const DepthwiseImages& images, const DepthwiseCall& call, const DepthwisePart& part,
               const DepthwiseTiles& wide, const DepthwiseTiles& narrow, void* scratch) {
  const DepthwiseScratch s(images.p, scratch);
  const int64_t x_pitch = images.source_pitch(), y_pitch = images.pitch(),
                y_row = images.columns() * y_pitch,
                x_image = images.source_rows() * images.source_columns() * x_pitch;
  for (int64_t unit = part.begin, rows; unit < part.end; unit += rows) {
    const int64_t image = unit / images.rows(), row = unit % images.rows();
    rows = images.share_rows() ? least(2, least(images.rows() - row, part.end - unit)) : 1;
    const int64_t phases = least(DepthwisePhase::steps(images), images.columns());
    for (int64_t first = 0; first < phases; ++first) {
      const DepthwisePhase phase(images, first, s.taps);
      const int64_t count = list_lines(images, phase, row, rows, call.w_scale, s.lines);
      const DepthwiseJob job{call,
                             images.results(),
                             phase.spacing * x_pitch,
                             phase.step * y_pitch,
                             y_row,
                             phase.kernel_step * images.summed() * call.w_scale};
      const int64_t begin = div_up(most(0, part.left - first), phase.step),
                    end = div_up(most(0, part.right - first), phase.step);
      // Tiles are narrow where none of their columns would be left over.
      const int64_t width = end - begin;
      const bool even = width % narrow.columns == 0 && width % wide.columns != 0;
      for (int64_t j = begin, columns; j < end; j += columns) {
        const DepthwiseTiles& tiles = even || end - j <= narrow.columns ? narrow : wide;
        const int64_t at = j * phase.stride;
        columns = least(tiles.columns, end - j);
        mark_inside(s.lines, count, at * phase.spacing, phase.spacing, images.source_columns());
        tile_for(phase, tiles)(
            job, {s.lines, count, call.x + image * x_image + at * job.x_step,
                  call.y + unit * y_row + first * y_pitch + j * job.y_step, columns, rows});
      }
    }
  }
}

}  // namespace convnet::CONVNET_ISA
