// The points of a tile of the input, samples in lanes.
#pragma once

#include "cpu/kernels/each.h"
#include "cpu/kernels/tail.h"
#include "cpu/kernels/winograd_points.h"

namespace convnet::CONVNET_ISA {

// One vector of samples of an image [H][W][C][16], or of some of its channels.
struct TileSource {
  const float* image;
  int64_t H, W, C;
};

// Where points go, and from point to point and channel to channel; of the first samples of a
// vector.
struct TilePoints {
  float* out;
  int64_t point_step, channel_step, samples;
};

template <int NY, int NX, bool kInside, bool kWhole>
__attribute__((noinline)) void transform_input(const TileSource& from, int64_t y, int64_t x,
                                               int64_t channels, const TilePoints& to) {
  static const float nothing[kLanes] = {};
  const int64_t pitch = from.C * kLanes;
  const float* pixel[NY][NX];
  int64_t step[NY][NX];
  each<NY, kInside>([&](int i) CONVNET_INLINED {
    each<NX, kInside>([&](int j) CONVNET_INLINED {
      const bool inside = kInside || (y + i >= 0 && y + i < from.H && x + j >= 0 && x + j < from.W);
      pixel[i][j] = inside ? from.image + ((y + i) * from.W + x + j) * pitch : nothing;
      step[i][j] = inside ? kLanes : 0;
    });
  });
  float* out = to.out;
  for (int64_t c = 0; c < channels; ++c, out += to.channel_step) {
    Vec r[NY][NX];
    each<NX, kInside>([&](int j) CONVNET_INLINED {
      Vec column[NY];
      CONVNET_EACH(i, NY) column[i] = load(pixel[i][j] + c * (kInside ? kLanes : step[i][j]));
      to_points(column);
      CONVNET_EACH(i, NY) r[i][j] = column[i];
    });
    each<NY, kInside>([&](int i) CONVNET_INLINED {
      to_points(r[i]);
      CONVNET_EACH(j, NX)
        store_part<kWhole>(out + (i * NX + j) * to.point_step, to.samples, r[i][j]);
    });
  }
}

// A tile whose first pixel is (y, x), which may lie in the padding.
template <int NY, int NX>
CONVNET_INLINE void transform_tile(const TileSource& from, int64_t y, int64_t x, int64_t channels,
                                   const TilePoints& to) {
  if (to.samples < kWidth)
    transform_input<NY, NX, false, false>(from, y, x, channels, to);
  else if (y >= 0 && x >= 0 && y + NY <= from.H && x + NX <= from.W)
    transform_input<NY, NX, true, true>(from, y, x, channels, to);
  else
    transform_input<NY, NX, false, true>(from, y, x, channels, to);
}

}  // namespace convnet::CONVNET_ISA
