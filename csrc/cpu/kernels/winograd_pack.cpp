// Filters of a convolution, transformed for Winograd's algorithm.
#include "cpu/kernels/winograd.h"

#include "cpu/kernels/winograd_points.h"
#include "cpu/simd/transpose.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int64_t kMostTaps = 25;

// Taps [KH][KW] of kWidth filters, result channels in lanes, to points, of which the first n lanes
// are stored `step` floats apart.
template <int NY, int KH, int NX, int KW>
CONVNET_INLINE void put_points(const Vec* taps, float* out, int64_t step, int64_t n) {
  Vec rows[KH][NX];
  CONVNET_EACH(y, KH) filter_points(taps + y * KW, KW, rows[y]);
  CONVNET_EACH(x, NX) {
    Vec column[KH], points[NY];
    CONVNET_EACH(y, KH) column[y] = rows[y][x];
    filter_points(column, KH, points);
    CONVNET_EACH(y, NY) store_first(out + (y * NX + x) * step, n, points[y]);
  }
}

// Calls put(summed channel c of [begin, end), taps) with n result channels from `first` on in
// lanes.
template <class Put>
CONVNET_INLINE void for_filters(const WinogradPackParams& p, const float* w, int64_t begin,
                                int64_t end, int64_t first, int64_t n, Put put) {
  const int64_t count = p.KH * p.KW;
  if (!p.transposed) {
    for (int64_t c = begin; c < end; ++c) {
      Vec taps[kMostTaps];
      for (int64_t t = 0; t < count; ++t) taps[t] = load_first(w + (t * p.C + c) * p.OC + first, n);
      put(c, taps);
    }
    return;
  }
  for (int64_t c = begin; c < end; c += kWidth) {
    const int64_t some = least(kWidth, end - c);
    Vec taps[kWidth][kMostTaps];
    for (int64_t t = 0; t < count; ++t) {
      Vec square[kWidth];
      CONVNET_EACH(i, kWidth)
        square[i] = i < n ? load_first(w + (t * p.C + first + i) * p.OC + c, some) : zero();
      transpose(square);
      // The gradient runs through the filter backwards.
      for (int64_t i = 0; i < some; ++i) taps[i][count - 1 - t] = square[i];
    }
    for (int64_t i = 0; i < some; ++i) put(c + i, taps[i]);
  }
}

}  // namespace

void winograd_pack(const KernelArgs& a) {
  const auto& p = a.as<WinogradPackParams>();
  const ChannelBlocks blocks = p.one ? vector_blocks(p.results()) : channel_blocks(p.results());
  const int64_t begin = a.begin * kLanes, end = least(a.end * kLanes, p.summed());
  with_winograd_tile(p.tile, [&]<int NY, int MY, int NX, int MX>() {
    for (int64_t b = 0; b < blocks.count(); ++b) {
      const int64_t width = blocks.width(b), step = p.summed() * width;
      float* out = a.f32(1) + blocks.first(b) * p.summed() * p.tile.points();
      for (int64_t j = 0; j < width; j += kWidth) {
        const int64_t first = blocks.first(b) + j, stored = least(kWidth, width - j);
        for_filters(p, a.f32(0), begin, end, first, most(0, least(stored, p.results() - first)),
                    [&](int64_t c, const Vec* taps) {
                      put_points<NY, NY + 1 - MY, NX, NX + 1 - MX>(taps, out + c * width + j, step,
                                                                   stored);
                    });
      }
    }
  });
}

}  // namespace convnet::CONVNET_ISA
