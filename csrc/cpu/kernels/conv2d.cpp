// Direct 2D convolution, forward, and its gradient for the input, samples in lanes. The gradient
// for the input is a forward convolution with flipped weights: with stride s, s * s of them, one
// for each residue of the pixel's position.
#include "ops/conv2d.h"

#include "cpu/kernels/activation.h"
#include "cpu/kernels/block_pool.h"
#include "cpu/kernels/conv2d_depthwise.h"
#include "cpu/kernels/conv2d_tile.h"
#include "cpu/kernels/one.h"
#include "cpu/kernels/winograd.h"

namespace convnet::CONVNET_ISA {

namespace {

// Where results go: pixel (jy, jx) of the tile grid is `row + jx * pitch`. `far`: they are too many
// for the second-level cache.
struct Target {
  float* row;
  int64_t pitch;
  const float* bias;
  Activation activation;
  bool far;
};
constexpr int64_t kFarFloats = 1 << 18, kAhead = 8;  // pixels

// Pixels of a row, [begin, end).
struct Pixels {
  int64_t begin, end;
};

// Along an axis of the image: result i reads from i * step on, `span` pixels.
struct Reach {
  int64_t step, span;
  CONVNET_INLINE int64_t of(int64_t results) const { return (results - 1) * step + span; }
};

// Rows and pixels of them that are made at a time for all blocks of channels: what they read stays
// in the second-level cache meanwhile.
struct Part {
  int64_t rows, pixels;
};
constexpr int64_t kNearFloats = 1 << 16;

CONVNET_INLINE Part near_part(int64_t rows, const Reach& down, int64_t width, const Reach& along,
                              int64_t channels) {
  const auto far = [&](int64_t high, int64_t wide) {
    return down.of(high) * along.of(wide) * channels * kLanes > kNearFloats;
  };
  while (rows > 1 && far(rows, width)) rows = div_up(rows, 2);
  while (width > 4 && far(rows, width)) width = div_up(width, 8) * 4;
  return {rows, width};
}

template <int O>
CONVNET_INLINE void start(Vec (&acc)[4][O], const float* bias, int64_t o) {
  CONVNET_EACH(j, O) {
    const Vec b = bias ? set1(bias[o + j]) : zero();
    CONVNET_EACH(i, 4) acc[i][j] = b;
  }
}

// Results of a row, 4 pixels at a time, O channels from `o` on.
template <int O>
__attribute__((noinline)) void row_tiles(const Source& s, const Tap* taps, int64_t tap_count,
                                         const float* w, int64_t jy, Pixels pixels,
                                         const Target& out, int64_t o) {
  for (int64_t jx = pixels.begin; jx < pixels.end; jx += 4) {
    const int64_t n = least(4, pixels.end - jx);
    // Stores that miss are done one after another: their lines are asked for ahead.
    if (out.far)
      CONVNET_EACH(i, 4)
        CONVNET_EACH(j, O) prefetch(out.row + (jx + kAhead + i) * out.pitch + (o + j) * kLanes);
    for (int v = 0; v < kVectors; ++v) {
      Vec acc[4][O];
      start(acc, out.bias, o);
      sum_taps<O, false>(acc, s, taps, tap_count, jy, jx, (1u << n) - 1, w, v * kWidth);
      CONVNET_EACH(i, 4)
        if (i < n)
          CONVNET_EACH(j, O) {
            const Vec y = out.activation == Activation::relu ? max(acc[i][j], zero()) : acc[i][j];
            store(out.row + (jx + i) * out.pitch + (o + j) * kLanes + v * kWidth, y);
          }
    }
  }
}

// 2x2 blocks of a row, each pooled to one result before the activation (which is monotonic).
template <int O>
__attribute__((noinline)) void pooled_row(const Source& s, const Tap* taps, int64_t tap_count,
                                          const float* w, int64_t py, Pixels pixels,
                                          const Target& out, uint16_t* winners, int64_t channels,
                                          int64_t o) {
  for (int64_t px = pixels.begin; px < pixels.end; ++px) {
    uint32_t rows[O] = {}, columns[O] = {};
    for (int v = 0; v < kVectors; ++v) {
      Vec acc[4][O];
      start(acc, out.bias, o);
      sum_taps<O, true>(acc, s, taps, tap_count, 2 * py, 2 * px, 15, w, v * kWidth);
      CONVNET_EACH(j, O) {
        Vec y;
        if (winners) {
          uint32_t row, column;
          y = winner(acc[0][j], acc[1][j], acc[2][j], acc[3][j], row, column);
          rows[j] |= row << (v * kWidth);
          columns[j] |= column << (v * kWidth);
        } else {
          y = average(acc[0][j], acc[1][j], acc[2][j], acc[3][j]);
        }
        if (out.activation == Activation::relu) y = max(y, zero());
        store(out.row + px * out.pitch + (o + j) * kLanes + v * kWidth, y);
      }
    }
    if (winners)
      for (int j = 0; j < O; ++j) {
        winners[(px * channels + o + j) * 2] = static_cast<uint16_t>(rows[j]);
        winners[(px * channels + o + j) * 2 + 1] = static_cast<uint16_t>(columns[j]);
      }
  }
}

// Calls f.template operator()<O>() with O = width, 1 to kTileChannels.
template <class F>
CONVNET_INLINE void with_width(int64_t width, F f) {
  switch (width) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    case 3:
      return f.template operator()<3>();
#if !defined(CONVNET_ISA_avx2) && !defined(CONVNET_ISA_portable)
    case 4:
      return f.template operator()<4>();
    case 5:
      return f.template operator()<5>();
    case 6:
      return f.template operator()<6>();
#endif
  }
}

// Calls f(group, first channel, width, packed weights) for every block of result channels.
template <class F>
CONVNET_INLINE void for_blocks(int64_t groups, int64_t channels, int64_t taps, int64_t summed,
                               const float* w, F f) {
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t b = 0; b < block_count(channels); ++b) {
      const int64_t first = block_start(channels, b), width = block_start(channels, b + 1) - first;
      f(g, first, width, w + (g * channels + first) * taps * summed);
    }
}

}  // namespace

void conv2d(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  if (p.tile.used()) return a.lanes == 1 ? conv2d_of_one_by_winograd(a) : conv2d_by_winograd(a);
  if (a.lanes == 1) return conv2d_of_one(a);
  if (p.depthwise) return conv2d_depthwise(a);
  const bool max_pool = p.pool == FusedPool::max, pooled = p.pool != FusedPool::none;
  const float* packed = a.f32(3);
  float* y = a.f32(4);
  Tap* taps = static_cast<Tap*>(a.scratch);
  int64_t tap_count = 0;
  for (int64_t ky = 0; ky < p.KH; ++ky)
    for (int64_t kx = 0; kx < p.KW; ++kx)
      taps[tap_count] = {ky * p.dy - p.top, kx * p.dx - p.left, tap_count}, ++tap_count;
  const int64_t rows = p.rows(), width = pooled ? p.OW / 2 : p.OW;
  const bool far = p.outer * rows * width * p.OC * kLanes >= kFarFloats;
  const int64_t pool = pooled ? 2 : 1;
  const Part part = near_part(a.end - a.begin, {pool * p.sy, (p.KH - 1) * p.dy + pool}, width,
                              {pool * p.sx, (p.KW - 1) * p.dx + pool}, p.in_group());
  const auto row_of_block = [&](int64_t g, int64_t first, int64_t block, const float* w,
                                int64_t unit, Pixels pixels) {
    const int64_t outer = unit / rows, row = unit % rows, o = g * p.out_group() + first;
    const Source source{a.f32(0) + (outer * p.H * p.W * p.C + g * p.in_group()) * kLanes,
                        p.H,
                        p.W,
                        p.C * kLanes,
                        p.sy,
                        p.sx,
                        p.in_group()};
    const Target target{y + unit * width * p.OC * kLanes, p.OC * kLanes, a.f32(2), p.activation,
                        far};
    with_width(block, [&]<int O>() {
      if (pooled)
        pooled_row<O>(source, taps, tap_count, w, row, pixels, target,
                      max_pool ? a.bits(5) + unit * width * p.OC * 2 : nullptr, p.OC, o);
      else
        row_tiles<O>(source, taps, tap_count, w, row, pixels, target, o);
    });
  };
  for (int64_t top = a.begin; top < a.end; top += part.rows)
    for (int64_t left = 0; left < width; left += part.pixels)
      for_blocks(p.groups, p.out_group(), p.taps(), p.in_group(), packed,
                 [&](int64_t g, int64_t first, int64_t block, const float* w) {
                   const int64_t end = least(top + part.rows, a.end);
                   for (int64_t unit = top; unit < end; ++unit)
                     row_of_block(g, first, block, w, unit,
                                  {left, least(left + part.pixels, width)});
                 });
  if (p.activation == Activation::sigmoid || p.activation == Activation::tanh)
    activate_in_place(p.activation, y + a.begin * width * p.OC * kLanes,
                      (a.end - a.begin) * width * p.OC * kVectors);
}

void conv2d_backward_input(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  if (p.tile.used()) return conv2d_backward_input_by_winograd(a);
  if (p.depthwise) return conv2d_depthwise_backward_input(a);
  Tap* taps = static_cast<Tap*>(a.scratch);
  const bool far = p.outer * p.H * p.W * p.C * kLanes >= kFarFloats;
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / p.H, iy = unit % p.H;
    for (int64_t rx = 0; rx < least(p.sx, p.W); ++rx) {
      // Pixels rx, rx + sx, ... of the row read source pixels one apart; taps of other residues do
      // not reach them.
      int64_t tap_count = 0;
      for (int64_t ky = 0; ky < p.KH; ++ky) {
        const int64_t y = iy + p.top - ky * p.dy;
        if (y % p.sy != 0) continue;
        for (int64_t kx = 0; kx < p.KW; ++kx) {
          const int64_t x = rx + p.left - kx * p.dx;
          if (x % p.sx == 0) taps[tap_count++] = {y / p.sy, x / p.sx, ky * p.KW + kx};
        }
      }
      const int64_t width = div_up(p.W - rx, p.sx);
      const Part part =
          near_part(1, {1, div_up(p.KH, p.sy)}, width, {1, div_up(p.KW, p.sx)}, p.out_group());
      for (int64_t left = 0; left < width; left += part.pixels)
        for_blocks(p.groups, p.in_group(), p.taps(), p.out_group(), a.f32(3),
                   [&](int64_t g, int64_t first, int64_t block, const float* w) {
                     const Source source{
                         a.f32(0) + (outer * p.OH * p.OW * p.OC + g * p.out_group()) * kLanes,
                         p.OH,
                         p.OW,
                         p.OC * kLanes,
                         1,
                         1,
                         p.out_group()};
                     const Target target{a.f32(4) + (unit * p.W + rx) * p.C * kLanes,
                                         p.sx * p.C * kLanes, a.f32(2), Activation::linear, far};
                     with_width(block, [&]<int O>() {
                       row_tiles<O>(source, taps, tap_count, w, 0,
                                    {left, least(left + part.pixels, width)}, target,
                                    g * p.in_group() + first);
                     });
                   });
    }
  }
}

void conv2d_pack(const KernelArgs& a) {
  const auto& p = a.as<Conv2dPackParams>();
  const int64_t summed = p.transposed ? p.out_group : p.in_group,
                channels = p.transposed ? p.in_group : p.out_group;
  const int64_t OC = p.out_group * p.groups;
  for_blocks(p.groups, channels, p.taps, summed, a.f32(1),
             [&](int64_t g, int64_t first, int64_t block, const float* at) {
               float* out = const_cast<float*>(at);
               for (int64_t tap = a.begin; tap < a.end; ++tap)
                 for (int64_t c = 0; c < summed; ++c)
                   for (int64_t j = 0; j < block; ++j) {
                     const int64_t in = p.transposed ? first + j : c,
                                   o = g * p.out_group + (p.transposed ? c : first + j);
                     out[(tap * summed + c) * block + j] =
                         a.f32(0)[(tap * p.in_group + in) * OC + o];
                   }
             });
}

void unpool2x2(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  const uint16_t* winners = a.bits(1);
  const int64_t line = p.OC * kLanes, rows = div_up(p.OH, 2);
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / rows, py = unit % rows;
    float* out = a.f32(2) + (outer * p.OH + 2 * py) * p.OW * line;
    // A last odd row or column belongs to no window.
    if (p.OW % 2 || py >= p.H)
      for (int64_t i = 0; i < least(2, p.OH - 2 * py) * p.OW * line; ++i) out[i] = 0;
    if (py >= p.H) continue;
    for (int64_t px = 0; px < p.W; ++px)
      for (int64_t c = 0; c < p.OC; ++c) {
        const int64_t at = ((outer * p.H + py) * p.W + px) * p.OC + c;
        float* to = out + (2 * px * p.OC + c) * kLanes;
        for (int v = 0; v < kVectors; ++v, to += kWidth) {
          const Vec g = load(a.f32(0) + at * kLanes + v * kWidth);
          if (!winners) {
            const Vec quarter = g * set1(0.25f);
            store(to, quarter), store(to + line, quarter), store(to + p.OW * line, quarter),
                store(to + p.OW * line + line, quarter);
            continue;
          }
          const Mask row = mask_of(winners[at * 2] >> (v * kWidth)),
                     column = mask_of(winners[at * 2 + 1] >> (v * kWidth));
          store(to, keep(~row & ~column, g));
          store(to + line, keep(~row & column, g));
          store(to + p.OW * line, keep(row & ~column, g));
          store(to + p.OW * line + line, keep(row & column, g));
        }
      }
  }
}

}  // namespace convnet::CONVNET_ISA
