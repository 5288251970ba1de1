// Winograd's algorithm for one sample, channels in lanes. The tiles of a unit are transformed; then
// for groups of them and blocks of result channels the products of every point are summed over the
// channels in registers, and transformed to results.
#include "cpu/kernels/activation.h"
#include "cpu/kernels/block_pool.h"
#include "cpu/kernels/each.h"
#include "cpu/kernels/winograd.h"
#include "cpu/kernels/winograd_points.h"
#include "ops/conv2d.h"

namespace convnet::CONVNET_ISA {

namespace {

// Tiles of a register tile of two vectors of channels.
constexpr int64_t kRows = kRegisters >= 32 ? kRowTiles : kRowTiles / 2;

// The input of a tile whose first pixel is (y, x), which may lie in the padding. `step`: from point
// to point.
template <int NY, int NX>
CONVNET_INLINE void transform_tile(const Conv2dParams& p, const float* image, int64_t y, int64_t x,
                                   float* out, int64_t step) {
  const bool inside = y >= 0 && x >= 0 && y + NY <= p.H && x + NX <= p.W;
  for (int64_t c = 0; c < p.C; c += kWidth) {
    const int64_t n = least(kWidth, p.C - c);
    const bool whole = n == kWidth;
    Vec r[NY][NX];
    each<NX>([&](int j) CONVNET_INLINED {
      Vec column[NY];
      CONVNET_EACH(i, NY) {
        const float* pixel = image + ((y + i) * p.W + x + j) * p.C + c;
        if (inside || (y + i >= 0 && y + i < p.H && x + j >= 0 && x + j < p.W))
          column[i] = whole ? load(pixel) : load_first(pixel, n);
        else
          column[i] = zero();
      }
      to_points(column);
      CONVNET_EACH(i, NY) r[i][j] = column[i];
    });
    each<NY>([&](int i) CONVNET_INLINED {
      to_points(r[i]);
      CONVNET_EACH(j, NX) {
        float* to = out + (i * NX + j) * step + c;
        if (whole)
          store(to, r[i][j]);
        else
          store_first(to, n, r[i][j]);
      }
    });
  }
}

// One group of tiles and block of V vectors of channels.
struct Group {
  const float* points;  // of its first tile
  int64_t point_step, C;
  const float* filters;  // [point][C][V]
  float* sums;           // [point][tile][V], kRowSums from point to point
};

template <int R, int V>
__attribute__((noinline)) void sum_products(const Group& g, int64_t points) {
  const float* w = g.filters;
  for (int64_t p = 0; p < points; ++p) {
    const float* x = g.points + p * g.point_step;
    Vec acc[R][V];
    CONVNET_EACH(i, R)
      CONVNET_EACH(v, V) acc[i][v] = zero();
    for (int64_t c = 0; c < g.C; ++c, w += V * kWidth) {
      Vec weights[V];
      CONVNET_EACH(v, V) weights[v] = load(w + v * kWidth);
      CONVNET_EACH(i, R) {
        const Vec s = set1(x[i * g.C + c]);
        CONVNET_EACH(v, V) acc[i][v] = fma(s, weights[v], acc[i][v]);
      }
    }
    CONVNET_EACH(i, R)
      CONVNET_EACH(v, V) store(g.sums + p * kRowSums + (i * V + v) * kWidth, acc[i][v]);
  }
}

// Of `rows` tiles, at most R.
template <int R, int V>
CONVNET_INLINE void sum_tiles(const Group& g, int64_t rows, int64_t points) {
  if (rows == R)
    sum_products<R, V>(g, points);
  else if constexpr (R > 1)
    sum_tiles<R - 1, V>(g, rows, points);
}

// Results of a tile, n channels from `o` on. (ty, tx): its first pixel.
template <int NY, int MY, int NX, int MX, bool kPooled>
CONVNET_INLINE void transform_output(const Conv2dParams& p, const float* sums, const float* bias,
                                     float* image, int64_t ty, int64_t tx, int64_t o, int64_t n) {
  constexpr int kStep = kPooled ? 2 : 1;
  const int64_t height = p.OH / kStep, width = p.OW / kStep;
  const int64_t y0 = ty / kStep, x0 = tx / kStep;
  Vec r[MY][NX], y[MY][MX];
  each<NX>([&](int j) CONVNET_INLINED {
    Vec column[NY], results[MY];
    CONVNET_EACH(i, NY) column[i] = load(sums + (i * NX + j) * kRowSums);
    from_points(column, results);
    CONVNET_EACH(i, MY) r[i][j] = results[i];
  });
  CONVNET_EACH(i, MY) from_points(r[i], y[i]);
  const Vec b = bias ? load_first(bias + o, n) : zero();
  CONVNET_EACH(i, MY / kStep)
    CONVNET_EACH(j, MX / kStep) {
      if (y0 + i >= height || x0 + j >= width) continue;
      Vec z;
      if constexpr (!kPooled) {
        z = y[i][j];
      } else {
        const Vec &a = y[2 * i][2 * j], &right = y[2 * i][2 * j + 1], &below = y[2 * i + 1][2 * j],
                  &far = y[2 * i + 1][2 * j + 1];
        z = p.pool == FusedPool::average ? average(a, right, below, far)
                                         : max(max(far, below), max(right, a));
      }
      store_first(image + ((y0 + i) * width + x0 + j) * p.OC + o, n,
                  activate_briefly(p.activation, z + b));
    }
}

// Tiles of an image, transformed: [point][tile][C].
struct Points {
  float* data;
  int64_t outer = -1, first = 0, last = 0, step = 0;
};

template <int NY, int MY, int NX, int MX>
void transform_tiles(const Conv2dParams& p, const float* x, Points& points) {
  const int64_t across = p.tile.across(p.OW);
  points.step = (points.last - points.first) * p.C + kPointGap;
  for (int64_t t = points.first; t < points.last; ++t)
    transform_tile<NY, NX>(p, x + points.outer * p.H * p.W * p.C, t / across * MY - p.top,
                           t % across * MX - p.left, points.data + (t - points.first) * p.C,
                           points.step);
}

// All tiles of `points`, a block of `width` channels from `o` on.
template <int NY, int MY, int NX, int MX>
void run_block(const KernelArgs& a, const Conv2dParams& p, const Points& points, int64_t o,
               int64_t width, float* sums) {
  constexpr int64_t kPoints = int64_t{NY} * NX;
  const int64_t across = p.tile.across(p.OW);
  float* image =
      a.f32(4) + points.outer * p.rows() * (p.pool == FusedPool::none ? p.OW : p.OW / 2) * p.OC;
  int64_t rows;
  for (int64_t tile = points.first; tile < points.last; tile += rows) {
    rows = div_up(points.last - tile, div_up(points.last - tile, kRows));
    const Group g{points.data + (tile - points.first) * p.C, points.step, p.C,
                  a.f32(3) + o * p.C * kPoints, sums};
    if (width == kWidth)
      sum_tiles<kRows, 1>(g, rows, kPoints);
    else
      sum_tiles<kRows, 2>(g, rows, kPoints);
    for (int64_t t = 0; t < rows; ++t)
      for (int64_t v = 0; v < width && o + v < p.OC; v += kWidth) {
        const int64_t ty = (tile + t) / across * MY, tx = (tile + t) % across * MX;
        const int64_t n = least(kWidth, p.OC - o - v);
        const float* of_tile = sums + t * width + v;
        if constexpr (NY > 1)
          if (p.pool != FusedPool::none) {
            transform_output<NY, MY, NX, MX, true>(p, of_tile, a.f32(2), image, ty, tx, o + v, n);
            continue;
          }
        transform_output<NY, MY, NX, MX, false>(p, of_tile, a.f32(2), image, ty, tx, o + v, n);
      }
  }
}

}  // namespace

void conv2d_of_one_by_winograd(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  const WinogradUnits units(p.tile.tiles(p.OH, p.OW), p.OC);
  const ChannelBlocks blocks = vector_blocks(p.OC);
  float* sums = static_cast<float*>(a.scratch);
  with_winograd_tile(p.tile, [&]<int NY, int MY, int NX, int MX>() {
    Points points{sums + p.tile.points() * kRowSums};
    for (int64_t unit = a.begin; unit < a.end; ++unit) {
      const int64_t outer = unit / units.count(), within = unit % units.count();
      const int64_t group = within / units.parts, part = within % units.parts;
      if (outer != points.outer || units.first_tile(group) != points.first) {
        points.outer = outer;
        points.first = units.first_tile(group), points.last = units.first_tile(group + 1);
        transform_tiles<NY, MY, NX, MX>(p, a.f32(0), points);
      }
      for (int64_t b = cut(blocks.count(), units.parts, part);
           b < cut(blocks.count(), units.parts, part + 1); ++b)
        run_block<NY, MY, NX, MX>(a, p, points, blocks.first(b), blocks.width(b), sums);
    }
  });
}

}  // namespace convnet::CONVNET_ISA
