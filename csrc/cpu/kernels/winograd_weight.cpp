// Gradient of a convolution for its weights by Winograd's algorithm: the adjoint of the forward
// one. Tiles of x become points as there, tiles of dy become the same points, and for each point
// products are summed over tiles and samples; dw is what the sums are transformed to at the end. A
// unit is a block of input and a block of output channels, of one shard or of all. Output channels
// lie in lanes: the points of dy are transposed, [point][tile][sample][channel], and those of x are
// broadcast.
#include "cpu/kernels/conv2d_weight.h"
#include "cpu/kernels/each.h"
#include "cpu/kernels/rows.h"
#include "cpu/kernels/tail.h"
#include "cpu/kernels/winograd.h"
#include "cpu/kernels/winograd_input.h"

namespace convnet::CONVNET_ISA {

namespace {

using Blocks = WinogradWeightBlocks;

constexpr int kRows = kRegisters >= 32 ? 12 : 6, kColumns = 2;
constexpr int64_t kSquare = kLanes * kLanes;

// The channels of a unit, and its part of the scratch memory.
struct Unit {
  int64_t in_first, in, out_first, out;  // channels
  int64_t x_step, dy_step, sum_step;     // from point to point
  float *x, *dy, *sums, *lanes;

  Unit(const Blocks& b, int64_t unit, int64_t points, void* scratch)
      : in_first(b.first_in(unit / b.out)),
        in(b.first_in(unit / b.out + 1) - in_first),
        out_first(b.first_out(unit % b.out)),
        out(least(b.first_out(unit % b.out + 1), b.OC) - out_first),
        x_step(b.x_step()),
        dy_step(b.dy_step()),
        sum_step(b.sum_step()),
        x(static_cast<float*>(scratch)),
        dy(x + points * x_step),
        sums(dy + points * dy_step),
        lanes(sums + points * sum_step) {}

  int64_t pitch() const { return div_up(out, 16) * 16; }
};

// Points of a tile of results, of up to 16 channels: [point][channel][16].
template <int NY, int MY, int NX, int MX>
__attribute__((noinline)) void transform_results(const Conv2dParams& p, const float* dy, int64_t y,
                                                 int64_t x, int64_t channels, float* out) {
  const int64_t rows = least(MY, p.OH - y), columns = least(MX, p.OW - x);
  const float* corner = dy + (y * p.OW + x) * p.OC * kLanes;
  for (int64_t at = 0; at < channels * kLanes; at += kWidth) {
    Vec r[NY][MX];
    each<MX>([&](int j) CONVNET_INLINED {
      Vec column[MY], points[NY];
      CONVNET_EACH(i, MY)
        column[i] =
            i < rows && j < columns ? load(corner + (i * p.OW + j) * p.OC * kLanes + at) : zero();
      result_points(column, points);
      CONVNET_EACH(i, NY) r[i][j] = points[i];
    });
    each<NY>([&](int i) CONVNET_INLINED {
      Vec points[NX];
      result_points(r[i], points);
      CONVNET_EACH(j, NX) store(out + (i * NX + j) * kSquare + at, points[j]);
    });
  }
}

// Both sides of tile `slot` of a block; y, x: its first result.
template <int NY, int MY, int NX, int MX>
void transform_both(const Conv2dParams& p, const Unit& u, const float* x_image,
                    const float* dy_image, int64_t y, int64_t x, int64_t slot) {
  for (int64_t lane = 0; lane < kLanes; lane += kWidth)
    transform_tile<NY, NX>({x_image + u.in_first * kLanes + lane, p.H, p.W, p.C}, y - p.top,
                           x - p.left, u.in,
                           {u.x + slot * u.in * kLanes + lane, u.x_step, kLanes, kWidth});
  float* to = u.dy + slot * kLanes * u.pitch();
  for (int64_t first = 0; first < u.out; first += kLanes) {
    const int64_t channels = least(kLanes, u.out - first);
    transform_results<NY, MY, NX, MX>(p, dy_image + (u.out_first + first) * kLanes, y, x, channels,
                                      u.lanes);
    for (int64_t point = 0; point < int64_t{NY} * NX; ++point)
      from_lanes(0, channels, u.lanes + point * kSquare,
                 [&](int lane, int64_t f, int64_t, Vec values) {
                   store(to + point * u.dy_step + lane * u.pitch() + first + f, values);
                 });
  }
}

// Tiles of a block, with the samples of each.
struct Tiles {
  int64_t count, live[Blocks::kTiles];
};

// sums[R channels][V vectors] of a point += products over tiles and samples.
template <int R, int V>
__attribute__((noinline)) void sum_tile(const Tiles& tiles, const float* x, int64_t x_tile,
                                        const float* dy, int64_t pitch, float* sums, bool fresh) {
  Vec acc[R][V];
  CONVNET_EACH(r, R)
    CONVNET_EACH(v, V) acc[r][v] = fresh ? zero() : load(sums + r * pitch + v * kWidth);
  for (int64_t t = 0; t < tiles.count; ++t, x += x_tile, dy += kLanes * pitch) {
    const float* row = dy;
    for (int64_t n = 0; n < tiles.live[t]; ++n, row += pitch) {
      Vec g[V];
      CONVNET_EACH(v, V) g[v] = load(row + v * kWidth);
      CONVNET_EACH(r, R) {
        const Vec s = set1(x[r * kLanes + n]);
        CONVNET_EACH(v, V) acc[r][v] = fma(s, g[v], acc[r][v]);
      }
    }
  }
  CONVNET_EACH(r, R)
    CONVNET_EACH(v, V) store(sums + r * pitch + v * kWidth, acc[r][v]);
}

template <int R>
CONVNET_INLINE void sum_rows(const Tiles& tiles, const Unit& u, const float* x, const float* dy,
                             float* sums, bool fresh) {
  const int64_t vectors = div_up(u.out, kWidth), tile = u.in * kLanes, pitch = u.pitch();
  int64_t v = 0;
  for (; v + kColumns <= vectors; v += kColumns)
    sum_tile<R, kColumns>(tiles, x, tile, dy + v * kWidth, pitch, sums + v * kWidth, fresh);
  for (; v < vectors; ++v)
    sum_tile<R, 1>(tiles, x, tile, dy + v * kWidth, pitch, sums + v * kWidth, fresh);
}

void sum_point(const Tiles& tiles, const Unit& u, int64_t point, bool fresh) {
  const float *x = u.x + point * u.x_step, *dy = u.dy + point * u.dy_step;
  float* sums = u.sums + point * u.sum_step;
  int64_t c = 0;
  for (; c + kRows <= u.in; c += kRows)
    sum_rows<kRows>(tiles, u, x + c * kLanes, dy, sums + c * u.pitch(), fresh);
  for (; c + 4 <= u.in; c += 4)
    sum_rows<4>(tiles, u, x + c * kLanes, dy, sums + c * u.pitch(), fresh);
  for (; c < u.in; ++c) sum_rows<1>(tiles, u, x + c * kLanes, dy, sums + c * u.pitch(), fresh);
}

// dw of one input channel and a vector of output channels, `n` of which there are; `accumulate`:
// added to that of shards before.
template <int NY, int NX>
CONVNET_INLINE void transform_sums(const Conv2dParams& p, const float* sums, int64_t sum_step,
                                   float* dw, int64_t n, bool accumulate) {
  constexpr int kMostTaps = 5;
  Vec rows[kMostTaps][NX];
  CONVNET_EACH(j, NX) {
    Vec points[NY], column[kMostTaps];
    CONVNET_EACH(i, NY) points[i] = load(sums + (i * NX + j) * sum_step);
    taps_of(points, p.KH, column);
    for (int64_t y = 0; y < p.KH; ++y) rows[y][j] = column[y];
  }
  for (int64_t y = 0; y < p.KH; ++y) {
    Vec taps[kMostTaps];
    taps_of(rows[y], p.KW, taps);
    for (int64_t x = 0; x < p.KW; ++x) {
      float* to = dw + (y * p.KW + x) * p.C * p.OC;
      store_some(to, n, accumulate ? load_some(to, n) + taps[x] : taps[x]);
    }
  }
}

template <int NY, int MY, int NX, int MX>
void run_unit(const KernelArgs& a, const Conv2dWeightParams& p, const Unit& u) {
  const int64_t across = p.tile.across(p.OW), of_image = p.tile.tiles(p.OH, p.OW);
  const int64_t total = (p.whole_batch ? a.step->shards : 1) * p.outer * of_image;
  for (int64_t first = 0; first < total; first += Blocks::kTiles) {
    Tiles tiles{least(Blocks::kTiles, total - first), {}};
    for (int64_t t = 0; t < tiles.count; ++t) {
      const int64_t tile = (first + t) % of_image, image = (first + t) / of_image,
                    outer = image % p.outer, shard = image / p.outer;
      tiles.live[t] = a.live(p.whole_batch ? shard : a.shard());
      transform_both<NY, MY, NX, MX>(
          p, u, a.f32(0) + shard * a.stride[0] + outer * p.H * p.W * p.C * kLanes,
          a.f32(1) + shard * a.stride[1] + outer * p.OH * p.OW * p.OC * kLanes, tile / across * MY,
          tile % across * MX, t);
    }
    for (int64_t point = 0; point < int64_t{NY} * NX; ++point)
      sum_point(tiles, u, point, first == 0);
  }
  for (int64_t c = 0; c < u.in; ++c)
    for (int64_t o = 0; o < u.out; o += kWidth)
      transform_sums<NY, NX>(p, u.sums + c * u.pitch() + o, u.sum_step,
                             a.f32(2) + (u.in_first + c) * p.OC + u.out_first + o, u.out - o,
                             a.accumulate);
}

}  // namespace

void weight_by_winograd(const KernelArgs& a, const Conv2dWeightParams& p) {
  const Blocks blocks(p.C, p.OC);
  with_winograd_tile(p.tile, [&]<int NY, int MY, int NX, int MX>() {
    for (int64_t unit = a.begin; unit < a.end; ++unit)
      run_unit<NY, MY, NX, MX>(a, p, Unit(blocks, unit, int64_t{NY} * NX, a.scratch));
  });
}

}  // namespace convnet::CONVNET_ISA
