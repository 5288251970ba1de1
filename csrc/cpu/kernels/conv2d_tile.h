// The register tile of direct convolution with the samples in lanes: 4 pixels x up to kTileChannels
// output channels, weights broadcast. The pixels are a 1x4 run of a row, or a 2x2 block where a
// pool is fused. Taps outside the image are left out by a mask over the pixels, chosen once per
// tap, so that the inner loop over input channels has no branch and no wasted work.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

constexpr int kTileChannels = kRegisters >= 32 ? 6 : 3;

// Output channels (of a group) are cut into nearly equal blocks, each at most kTileChannels wide.
CONVNET_INLINE int64_t block_count(int64_t channels) { return div_up(channels, kTileChannels); }
CONVNET_INLINE int64_t block_start(int64_t channels, int64_t block) {
  return cut(channels, block_count(channels), block);
}

// One tap of the kernel: where it reads, relative to a pixel's own source position, and its place
// among the packed weights.
struct Tap {
  int64_t y, x, index;
};

// Pixels (jy, jx) of the result read source pixels (jy * step_y + tap.y, jx * step_x + tap.x) of an
// SH x SW image whose pixels are `pitch` floats apart.
struct Source {
  const float* data;
  int64_t SH, SW, pitch, step_y, step_x, channels;
};

// Adds one tap to the accumulators of the pixels in mask M. `x`: source of pixel 0; `dx`, `dy`:
// from pixel to pixel.
template <int M, int O, bool kSquare>
CONVNET_INLINE void add_tap(Vec (&acc)[4][O], const float* x, int64_t dx, int64_t dy,
                            const float* w, int64_t channels) {
  const float* p[4];
  CONVNET_EACH(i, 4) p[i] = x + (kSquare ? (i & 1) * dx + (i >> 1) * dy : i * dx);
  CONVNET_UNROLL(2)
  for (int64_t c = 0; c < channels; ++c) {
    if constexpr (kRegisters >= 32) {
      Vec v[4];
      CONVNET_EACH(i, 4)
        if (M >> i & 1) v[i] = load(p[i] + c * kLanes);
      CONVNET_EACH(o, O) {
        const Vec s = set1(w[c * O + o]);
        CONVNET_EACH(i, 4)
          if (M >> i & 1) acc[i][o] = fma(v[i], s, acc[i][o]);
      }
    } else {
      Vec s[O];
      CONVNET_EACH(o, O) s[o] = set1(w[c * O + o]);
      CONVNET_EACH(i, 4)
        if (M >> i & 1) {
          const Vec v = load(p[i] + c * kLanes);
          CONVNET_EACH(o, O) acc[i][o] = fma(v, s[o], acc[i][o]);
        }
    }
  }
}

// Which of the 4 pixels starting at (jy, jx) a tap reaches inside the source, and which of them
// exist (`pixels`).
template <bool kSquare>
CONVNET_INLINE unsigned tap_mask(const Source& s, const Tap& tap, int64_t jy, int64_t jx,
                                 unsigned pixels) {
  const int64_t y = jy * s.step_y + tap.y, x = jx * s.step_x + tap.x;
  const auto inside = [](int64_t at, int64_t size) {
    return static_cast<uint64_t>(at) < static_cast<uint64_t>(size);
  };
  if constexpr (kSquare) {
    const unsigned columns = (inside(x, s.SW) ? 5u : 0u) | (inside(x + s.step_x, s.SW) ? 10u : 0u);
    const unsigned rows = (inside(y, s.SH) ? 3u : 0u) | (inside(y + s.step_y, s.SH) ? 12u : 0u);
    return columns & rows & pixels;
  }
  if (!inside(y, s.SH)) return 0;
  unsigned mask = 0;
  for (int i = 0; i < 4; ++i) mask |= inside(x + i * s.step_x, s.SW) ? 1u << i : 0u;
  return mask & pixels;
}

// Sums all taps into the accumulators of 4 pixels x O channels, one vector of samples (from lane
// `lane` on).
template <int O, bool kSquare>
CONVNET_INLINE void sum_taps(Vec (&acc)[4][O], const Source& s, const Tap* taps, int64_t tap_count,
                             int64_t jy, int64_t jx, unsigned pixels, const float* w,
                             int64_t lane) {
  const int64_t dx = s.step_x * s.pitch, dy = s.step_y * s.SW * s.pitch;
  for (int64_t t = 0; t < tap_count; ++t) {
    const Tap& tap = taps[t];
    const float* x =
        s.data + ((jy * s.step_y + tap.y) * s.SW + jx * s.step_x + tap.x) * s.pitch + lane;
    const float* wt = w + tap.index * s.channels * O;
#define CONVNET_CASE(M)                                     \
  case M:                                                   \
    add_tap<M, O, kSquare>(acc, x, dx, dy, wt, s.channels); \
    break;
    switch (tap_mask<kSquare>(s, tap, jy, jx, pixels)) {
      CONVNET_CASE(15)
      CONVNET_CASE(1)
      CONVNET_CASE(2)
      CONVNET_CASE(3)
      CONVNET_CASE(4)
      CONVNET_CASE(8)
      CONVNET_CASE(12)
      // Columns of a block.
      CONVNET_CASE(5)
      CONVNET_CASE(10)
      // Runs of a row.
      CONVNET_CASE(6)
      CONVNET_CASE(7)
      CONVNET_CASE(14)
      default:
        break;
    }
#undef CONVNET_CASE
  }
}

}  // namespace convnet::CONVNET_ISA
