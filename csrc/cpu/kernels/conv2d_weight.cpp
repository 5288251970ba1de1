// Gradient of a 2D convolution for its weights, samples in lanes: dw[ky][kx][c][o] = sum over
// pixels and samples of x * dy. Register tiles are streams x output channels. A stream is one (kx,
// c) of a kernel row: where channels are few, several kx share a tile. A block of rows is summed in
// registers before the lanes are added up, and small enough for its x and dy to stay in cache.
#include "cpu/kernels/conv2d_weight.h"

#include "cpu/kernels/conv2d_depthwise.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kAccumulators = kRegisters >= 32 ? 24 : 12;
// x and dy of one row block and channel tile, but not so few rows that adding up lanes matters.
constexpr int64_t kCacheBytes = 48 << 10, kRows = 6;

alignas(64) const float kZeros[kLanes] = {};

// Streams of a kernel row: where each reads, relative to a row of the image, for result column 0,
// and the columns for which it does; columns where some and where all of them do.
template <int S>
struct Streams {
  int64_t offset[S];
  Range range[S], some, all;
  int64_t step;  // floats from result column to result column

  CONVNET_INLINE Streams(const Conv2dParams& p, int64_t first) : step(p.sx * p.C * kLanes) {
    int64_t kx = first / p.in_group(), c = first % p.in_group();
    for (int s = 0; s < S; ++s) {
      const int64_t x = kx * p.dx - p.left;
      range[s] = valid(p.W, p.OW, p.sx, x);
      offset[s] = (x * p.C + c) * kLanes;
      if (++c == p.in_group()) c = 0, ++kx;
    }
    some = {range[S - 1].low, range[0].high};
    all = {range[0].low, range[S - 1].high};
    if (all.high < all.low) all.high = all.low = least(all.low, some.high);
  }
};

template <int S, int O>
CONVNET_INLINE void add_pixel(Vec (&acc)[S][O], const float* const (&x)[S], const float* dy) {
  Vec g[O];
  CONVNET_EACH(o, O) g[o] = load(dy + o * kLanes);
  CONVNET_EACH(s, S) {
    const Vec v = load(x[s]);
    CONVNET_EACH(o, O) acc[s][o] = fma(v, g[o], acc[s][o]);
  }
}

// One row of results for S streams x O channels, one vector of samples.
template <int S, int O>
CONVNET_INLINE void add_row(Vec (&acc)[S][O], const Streams<S>& t, const float* row,
                            const float* dy, int64_t dy_pitch) {
  const float* x[S];
  const auto edge = [&](int64_t from, int64_t to) {
    for (int64_t j = from; j < to; ++j) {
      for (int s = 0; s < S; ++s)
        x[s] = j >= t.range[s].low && j < t.range[s].high ? row + t.offset[s] + j * t.step : kZeros;
      add_pixel(acc, x, dy + j * dy_pitch);
    }
  };
  edge(t.some.low, t.all.low);
  CONVNET_EACH(s, S) x[s] = row + t.offset[s] + t.all.low * t.step;
  for (int64_t j = t.all.low; j < t.all.high; ++j) {
    add_pixel(acc, x, dy + j * dy_pitch);
    CONVNET_EACH(s, S) x[s] += t.step;
  }
  edge(t.all.high, t.some.high);
}

// Adds the lanes of each accumulator to out[s * pitch + o].
template <int S, int O>
CONVNET_INLINE void add_lanes(const Vec (&acc)[S][O], float* out, int64_t pitch) {
  constexpr int kTotal = S * O;
  CONVNET_UNROLL(8)
  for (int i = 0; i < kTotal; i += 4) {
    const auto at = [&](int k) { return k < kTotal ? acc[k / O][k % O] : zero(); };
    float sums[4];
    sum4(at(i), at(i + 1), at(i + 2), at(i + 3), sums);
    for (int k = i; k < i + 4 && k < kTotal; ++k) out[k / O * pitch + k % O] += sums[k - i];
  }
}

struct Task {
  const Conv2dParams* p;
  const float *x, *dy;  // first channel of the group and of the tile, row 0
  float* dw;            // first channel of the tile
  int64_t first_row, last_row;
};

// dw of S streams (from `stream` of kernel row `ky` on) x O channels over a block of result rows.
template <int S, int O>
__attribute__((noinline)) void tile(const Task& t, int64_t ky, int64_t stream) {
  const Conv2dParams& p = *t.p;
  const int64_t channels = p.in_group(), pitch = p.C * kLanes, dy_pitch = p.OC * kLanes;
  const Range rows = valid(p.H, p.OH, p.sy, ky * p.dy - p.top);
  const int64_t from = most(rows.low, t.first_row), to = least(rows.high, t.last_row);
  if (from >= to) return;
  Vec acc[S][O];
  CONVNET_EACH(s, S)
    CONVNET_EACH(o, O) acc[s][o] = zero();
  const Streams<S> streams(p, stream);
  for (int v = 0; v < kVectors; ++v)
    for (int64_t row = from; row < to; ++row)
      add_row(acc, streams, t.x + (row * p.sy + ky * p.dy - p.top) * p.W * pitch + v * kWidth,
              t.dy + row * p.OW * dy_pitch + v * kWidth, dy_pitch);
  add_lanes(acc, t.dw + (ky * p.KW * channels + stream) * p.OC, p.OC);
}

// Streams of a tile beside `channels` output channels, so that the accumulators fit.
CONVNET_INLINE int64_t most_streams(int64_t channels) {
  return least(channels <= 4 && kRegisters >= 32 ? 6 : 4, kAccumulators / channels);
}

using TileFn = void (*)(const Task&, int64_t, int64_t);

template <int O>
CONVNET_INLINE TileFn tile_of(int64_t streams) {
  switch (streams) {
    case 1:
      return tile<1, O>;
    case 2:
      return tile<2, O>;
    case 3:
      if constexpr (3 * O <= kAccumulators) return tile<3, O>;
      break;
    case 4:
      if constexpr (4 * O <= kAccumulators) return tile<4, O>;
      break;
    case 5:
      if constexpr (5 * O <= kAccumulators) return tile<5, O>;
      break;
    case 6:
      if constexpr (6 * O <= kAccumulators) return tile<6, O>;
      break;
  }
  return nullptr;
}

CONVNET_INLINE TileFn tile_of(int64_t streams, int64_t channels) {
  switch (channels) {
    case 1:
      return tile_of<1>(streams);
    case 2:
      return tile_of<2>(streams);
    case 3:
      return tile_of<3>(streams);
    case 4:
      return tile_of<4>(streams);
    case 5:
      return tile_of<5>(streams);
    case 6:
      return tile_of<6>(streams);
  }
  return nullptr;
}

// All streams of all kernel rows for one tile of output channels and one block of result rows.
void all_streams(const Task& t, int64_t channels) {
  const int64_t streams = t.p->KW * t.p->in_group(),
                tiles = div_up(streams, most_streams(channels));
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t first = cut(streams, tiles, i), count = cut(streams, tiles, i + 1) - first;
    const TileFn fn = tile_of(count, channels);
    for (int64_t ky = 0; ky < t.p->KH; ++ky) fn(t, ky, first);
  }
}

}  // namespace

void conv2d_backward_weight(const KernelArgs& a) {
  const auto& p = a.as<Conv2dWeightParams>();
  if (p.tile.used()) return weight_by_winograd(a, p);
  if (p.depthwise) return weight_depthwise(a, p);
  if (p.channels_in_lanes) return weight_by_channels(a, p);
  const int64_t group_units = div_up(p.out_group(), kWeightUnit),
                streams = p.KW * p.KH * p.in_group();
  const int64_t row_bytes =
      (p.OW * kWeightUnit + p.W * 4 * p.sy) * kLanes * static_cast<int64_t>(sizeof(float));
  const int64_t block = most(kRows, kCacheBytes / row_bytes);
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t g = unit / group_units, i = unit % group_units;
    const int64_t first = cut(p.out_group(), group_units, i),
                  last = cut(p.out_group(), group_units, i + 1);
    const int64_t o = g * p.out_group() + first, width = last - first;
    float* dw = a.f32(2) + o;
    if (!a.accumulate)
      for (int64_t s = 0; s < streams; ++s)
        for (int64_t j = 0; j < width; ++j) dw[s * p.OC + j] = 0;
    for (int64_t outer = 0; outer < p.outer; ++outer)
      for (int64_t row = 0; row < p.OH; row += block) {
        Task task{&p,
                  a.f32(0) + (outer * p.H * p.W * p.C + g * p.in_group()) * kLanes,
                  a.f32(1) + (outer * p.OH * p.OW * p.OC + o) * kLanes,
                  dw,
                  row,
                  least(row + block, p.OH)};
        // On 16 registers a unit is two tiles.
        const int64_t tiles = div_up(width, kRegisters >= 32 ? 6 : 3);
        for (int64_t t = 0; t < tiles; ++t) {
          const int64_t begin = cut(width, tiles, t), end = cut(width, tiles, t + 1);
          Task part = task;
          part.dy += begin * kLanes;
          part.dw += begin;
          all_streams(part, end - begin);
        }
      }
  }
}

}  // namespace convnet::CONVNET_ISA
