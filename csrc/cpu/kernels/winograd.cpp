// Winograd's algorithm with the samples in lanes, where its transforms are plain arithmetic between
// vectors. Two tiles at a time: their inputs are transformed, then for each block of result
// channels the products of every point are summed over the channels in registers, and transformed
// to results. Where half of a vector or more has no samples, as at the end of a batch, several
// tiles share it while products are summed.
#include "cpu/kernels/winograd.h"

#include "cpu/kernels/activation.h"
#include "cpu/kernels/block_pool.h"
#include "cpu/kernels/each.h"
#include "cpu/kernels/winograd_input.h"
#include "cpu/kernels/winograd_points.h"
#include "ops/conv2d.h"

namespace convnet::CONVNET_ISA {

namespace {

// A convolution of one image after another; all lanes of vector `lane / kWidth`.
struct Job {
  const float* x;  // [outer][H][W][C][16]
  int64_t H, W, C;
  float* y;  // [outer][OH][OW][OC][16], halved where pooled
  int64_t OH, OW, OC;
  int64_t top, left;
  const float* filters;
  const float* bias;
  Activation activation;
  FusedPool pool;
  uint16_t* winners;
  int64_t live;  // samples; lanes beyond them repeat the first one or, of gradients, are zero
  bool gradient;
};

// Tiles that share a vector: `samples` lanes of each, taken from lane `from` on; results are those
// of the vector at `lane`.
struct Packing {
  int64_t lane, from, samples, tiles;
  Mask there;  // lanes of results that are not zero

  Packing(const Job& job, int64_t lane)
      : lane(lane),
        from(lane < job.live ? lane : 0),
        samples(lane < job.live ? least(kWidth, job.live - lane) : 1),
        tiles(kWidth / samples),
        there(live_mask(job.gradient ? job.live : kLanes, lane)) {}
};

// Points of two vectors of tiles, [point][vector][channel], and sums of their products,
// [point][vector][channel of the block]; those of a tile that had shared a vector. An odd number of
// vectors from point to point: no two are far apart by a power of two.
struct Buffers {
  float *points, *sums, *tile_sums;
  int64_t tile_step, point_step;
  static constexpr int64_t sum_tile_step = kWinogradChannels * kWidth;
  static constexpr int64_t sum_point_step = (kTilesOfUnit * kWinogradChannels + 1) * kWidth;

  Buffers(void* scratch, int64_t channels, int64_t points_of_tile)
      : points(static_cast<float*>(scratch)),
        tile_step(channels * kWidth),
        point_step((kTilesOfUnit * channels + 1) * kWidth) {
    sums = points + points_of_tile * point_step;
    tile_sums = sums + points_of_tile * sum_point_step;
  }
};

// For each point: T tiles x O channels, summed over the input's channels.
template <int T, int O>
__attribute__((noinline)) void sum_products(const Buffers& b, int64_t points, int64_t channels,
                                            const float* w) {
  for (int64_t p = 0; p < points; ++p) {
    const float* x = b.points + p * b.point_step;
    Vec acc[T][O];
    CONVNET_EACH(t, T)
      CONVNET_EACH(o, O) acc[t][o] = zero();
    CONVNET_UNROLL(2)
    for (int64_t c = 0; c < channels; ++c, w += O) {
      Vec v[T];
      CONVNET_EACH(t, T) v[t] = load(x + t * b.tile_step + c * kWidth);
      CONVNET_EACH(o, O) {
        const Vec s = set1(w[o]);
        CONVNET_EACH(t, T) acc[t][o] = fma(v[t], s, acc[t][o]);
      }
    }
    float* sums = b.sums + p * b.sum_point_step;
    CONVNET_EACH(t, T)
      CONVNET_EACH(o, O) store(sums + t * b.sum_tile_step + o * kWidth, acc[t][o]);
  }
}

// Results of a tile, of `count` channels from `first` on. (ty, tx): its first pixel.
template <int NY, int MY, int NX, int MX, bool kPooled>
__attribute__((noinline)) void transform_output(const Job& job, const float* sums, int64_t outer,
                                                int64_t ty, int64_t tx, int64_t first,
                                                int64_t count, int64_t lane) {
  constexpr int kStep = kPooled ? 2 : 1;
  const int64_t height = job.OH / kStep, width = job.OW / kStep;
  const int64_t y0 = ty / kStep, x0 = tx / kStep;
  const int64_t rows = least(MY / kStep, height - y0), columns = least(MX / kStep, width - x0);
  const int64_t corner = ((outer * height + y0) * width + x0) * job.OC + first;
  for (int64_t o = 0; o < count; ++o, sums += kWidth) {
    Vec r[MY][NX], y[MY][MX];
    each<NX>([&](int j) CONVNET_INLINED {
      Vec column[NY], results[MY];
      CONVNET_EACH(i, NY) column[i] = load(sums + (i * NX + j) * Buffers::sum_point_step);
      from_points(column, results);
      CONVNET_EACH(i, MY) r[i][j] = results[i];
    });
    CONVNET_EACH(i, MY) from_points(r[i], y[i]);
    const Vec bias = job.bias ? set1(job.bias[first + o]) : zero();
    CONVNET_EACH(i, MY / kStep)
      CONVNET_EACH(j, MX / kStep) {
        if (i >= rows || j >= columns) continue;
        const int64_t at = corner + (i * width + j) * job.OC + o;
        Vec z;
        if constexpr (!kPooled) {
          z = y[i][j];
        } else {
          const Vec &a = y[2 * i][2 * j], &b = y[2 * i][2 * j + 1], &c = y[2 * i + 1][2 * j],
                    &d = y[2 * i + 1][2 * j + 1];
          if (job.pool == FusedPool::average) {
            z = average(a, b, c, d);
          } else {
            uint32_t row, column;
            z = winner(a, b, c, d, row, column);
            if (job.winners) {
              uint16_t* to = job.winners + at * 2;
              to[0] = static_cast<uint16_t>(lane ? to[0] | row << lane : row);
              to[1] = static_cast<uint16_t>(lane ? to[1] | column << lane : column);
            }
          }
        }
        store(job.y + at * kLanes + lane, activate_briefly(job.activation, z + bias));
      }
  }
}

template <int T>
CONVNET_INLINE void sum_block(const Buffers& b, int64_t points, int64_t channels, int64_t width,
                              const float* w) {
  switch (width / kBlockStep) {
    case 1:
      return sum_products<T, kBlockStep>(b, points, channels, w);
    case 2:
      return sum_products<T, 2 * kBlockStep>(b, points, channels, w);
    default:
      return sum_products<T, 3 * kBlockStep>(b, points, channels, w);
  }
}

// The sums of tile `t` of those that share vectors, in lanes of their own.
void unpack_sums(const Packing& packing, const Buffers& b, int64_t points, int64_t count,
                 int64_t t) {
  const auto first = static_cast<int32_t>(t % packing.tiles * packing.samples);
  int32_t lanes[kWidth];
  for (int32_t l = 0; l < kWidth; ++l) lanes[l] = l < packing.samples ? first + l : first;
  const Places places = places_of(lanes);
  for (int64_t point = 0; point < points; ++point) {
    const int64_t at = point * Buffers::sum_point_step;
    const float* shared = b.sums + at + t / packing.tiles * Buffers::sum_tile_step;
    for (int64_t o = 0; o < count * kWidth; o += kWidth)
      store(b.tile_sums + at + o, keep(packing.there, pick(load(shared + o), places)));
  }
}

// n tiles, of as many as two vectors hold.
template <int NY, int MY, int NX, int MX>
void run_tiles(const Job& job, const WinogradTile& tile, int64_t outer, int64_t first_tile,
               int64_t n, const Packing& packing, const Buffers& b) {
  constexpr int64_t kPoints = int64_t{NY} * NX;
  const ChannelBlocks blocks = channel_blocks(job.OC);
  const int64_t across = tile.across(job.OW);
  const float* image = job.x + outer * job.H * job.W * job.C * kLanes + packing.from;
  for (int64_t t = 0; t < n; ++t) {
    const int64_t y = (first_tile + t) / across * MY - job.top,
                  x = (first_tile + t) % across * MX - job.left;
    float* points =
        b.points + t / packing.tiles * b.tile_step + t % packing.tiles * packing.samples;
    const int64_t samples = packing.tiles == 1 ? kWidth : packing.samples;
    transform_tile<NY, NX>({image, job.H, job.W, job.C}, y, x, job.C,
                           {points, b.point_step, kWidth, samples});
  }
  for (int64_t block = 0; block < blocks.count(); ++block) {
    const int64_t first = blocks.first(block), width = blocks.width(block);
    const float* w = job.filters + first * job.C * kPoints;
    if (n <= packing.tiles)
      sum_block<1>(b, kPoints, job.C, width, w);
    else
      sum_block<2>(b, kPoints, job.C, width, w);
    const int64_t count = least(width, job.OC - first);
    for (int64_t t = 0; t < n; ++t) {
      const int64_t ty = (first_tile + t) / across * MY, tx = (first_tile + t) % across * MX;
      const float* sums = b.sums + t * b.sum_tile_step;
      if (packing.tiles > 1) {
        unpack_sums(packing, b, kPoints, count, t);
        sums = b.tile_sums;
      }
      if constexpr (NY > 1)
        if (job.pool != FusedPool::none) {
          transform_output<NY, MY, NX, MX, true>(job, sums, outer, ty, tx, first, count,
                                                 packing.lane);
          continue;
        }
      transform_output<NY, MY, NX, MX, false>(job, sums, outer, ty, tx, first, count, packing.lane);
    }
  }
}

void run_units(const KernelArgs& a, const WinogradTile& tile, const Job& job) {
  const int64_t tiles = tile.tiles(job.OH, job.OW), units = div_up(tiles, kTilesOfUnit);
  const Buffers buffers(a.scratch, job.C, tile.points());
  with_winograd_tile(tile, [&]<int NY, int MY, int NX, int MX>() {
    for (int64_t unit = a.begin, end; unit < a.end; unit = end) {
      const int64_t outer = unit / units;
      end = least(a.end, (outer + 1) * units);
      const int64_t last = least(tiles, (end - outer * units) * kTilesOfUnit);
      for (int64_t lane = 0; lane < kLanes; lane += kWidth) {
        const Packing packing(job, lane);
        const int64_t most = kTilesOfUnit * packing.tiles;
        for (int64_t t = unit % units * kTilesOfUnit; t < last; t += most)
          run_tiles<NY, MY, NX, MX>(job, tile, outer, t, least(most, last - t), packing, buffers);
      }
    }
  });
}

}  // namespace

void conv2d_by_winograd(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  run_units(a, p.tile,
            {a.f32(0), p.H, p.W, p.C, a.f32(4), p.OH, p.OW, p.OC, p.top, p.left, a.f32(3), a.f32(2),
             p.activation, p.pool, p.pool == FusedPool::max ? a.bits(5) : nullptr,
             a.live(a.shard()), false});
}

void conv2d_backward_input_by_winograd(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  run_units(
      a, p.tile,
      {a.f32(0), p.OH, p.OW, p.OC, a.f32(4), p.H, p.W, p.C, p.KH - 1 - p.top, p.KW - 1 - p.left,
       a.f32(3), a.f32(2), Activation::linear, FusedPool::none, nullptr, a.live(a.shard()), true});
}

}  // namespace convnet::CONVNET_ISA
