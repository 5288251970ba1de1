// Backward of a convolution under max pooling, visiting only the pixels that carry gradient, per
// sample, with channels in lanes: images to and from this layout, and the gradient of the weights,
// whose sums stay in registers while the list of one output channel is walked.
#include "ops/conv2d_sparse.h"

#include "cpu/kernels/rows.h"
#include "cpu/kernels/sparse_list.h"
#include "cpu/kernels/window_columns.h"

namespace convnet::CONVNET_ISA {

void sparse_images(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t line = p.width() * p.pitch(), pitch = p.pitch(), size = p.image(),
                live = a.live(a.shard());
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / p.height(), y = unit % p.height() - p.top;
    float* row = a.f32(1) + outer * kLanes * size + (unit % p.height()) * line;
    const int64_t columns = y < 0 || y >= p.H ? 0 : least(p.W, p.width() - p.left);
    const int64_t left = columns ? p.left * pitch : 0, right = left + columns * pitch;
    for (int64_t l = 0; l < live; ++l) {
      float* padded = row + l * size;
      for (int64_t i = 0; i < left; i += kWidth) store(padded + i, zero());
      for (int64_t i = right; i < line; i += kWidth) store(padded + i, zero());
    }
    for (int64_t x = 0; x < columns; ++x) {
      const float* in = a.f32(0) + ((outer * p.H + y) * p.W + x) * p.C * kLanes;
      float* out = row + (x + p.left) * pitch;
      // The row is padded to whole vectors, with zeros.
      from_lanes(0, p.C, in, [&](int lane, int64_t c, int64_t, Vec values) {
        if (lane < live) store(out + lane * size + c, values);
      });
    }
  }
}

namespace {

constexpr int kTaps = kRegisters >= 32 ? 25 : 10;  // of a pass

// Gradient of R kernel rows x K columns, one vector of channels, from one sample's list.
template <int R, int K>
__attribute__((noinline)) void weight_pass(const List& list, const float* image, int64_t line,
                                           int64_t pitch, float* dw) {
  Vec acc[R][K];
  CONVNET_EACH(y, R)
    CONVNET_EACH(x, K) acc[y][x] = load(dw + (y * K + x) * pitch);
  for (int32_t i = 0; i < list.count; ++i) {
    const float* at = image + list.place[i];
    const Vec g = set1(list.gradient[i]);
    CONVNET_EACH(y, R)
      CONVNET_EACH(x, K) acc[y][x] = fma(g, load(at + y * line + x * pitch), acc[y][x]);
  }
  CONVNET_EACH(y, R)
    CONVNET_EACH(x, K) store(dw + (y * K + x) * pitch, acc[y][x]);
}

using WeightPass = void (*)(const List&, const float*, int64_t, int64_t, float*);

WeightPass weight_pass_of(int64_t rows, int64_t columns) {
  return with_columns(columns, [rows](auto of) -> WeightPass {
    constexpr int K = of();
    if constexpr (5 * K <= kTaps)
      if (rows == 5) return weight_pass<5, K>;
    if constexpr (4 * K <= kTaps)
      if (rows == 4) return weight_pass<4, K>;
    if constexpr (3 * K <= kTaps)
      if (rows == 3) return weight_pass<3, K>;
    return rows == 2 ? weight_pass<2, K> : weight_pass<1, K>;
  });
}

// Kernel rows of one pass, and calls of f(first row, rows).
template <class F>
CONVNET_INLINE void for_passes(const SparseParams& p, F f) {
  const int64_t rows = least(5, most(1, kTaps / p.KW));
  for (int64_t y = 0; y < p.KH; y += rows) f(y, least(rows, p.KH - y));
}

}  // namespace

void sparse_weight(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t size = p.KH * p.KW * p.pitch(), live = a.live(a.shard());
  float* dw = a.f32(2);
  if (!a.accumulate)
    for (int64_t i = a.begin * size; i < a.end * size; i += kWidth) store(dw + i, zero());
  for (int64_t outer = 0; outer < p.outer; ++outer)
    for (int64_t l = 0; l < live; ++l) {
      const float* image = a.f32(0) + (outer * kLanes + l) * p.image();
      for (int64_t o = a.begin; o < a.end; ++o) {
        const List list = list_at(p, a.f32(1), outer, o, l);
        for_passes(p, [&](int64_t y, int64_t rows) {
          const auto pass = weight_pass_of(rows, p.KW);
          for (int64_t c = 0; c < p.C; c += kWidth)
            pass(list, image + y * p.width() * p.pitch() + c, p.width() * p.pitch(), p.pitch(),
                 dw + o * size + y * p.KW * p.pitch() + c);
        });
      }
    }
}

void sparse_lanes(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t pitch = p.pitch(), size = p.image(), reach = least(p.W, p.width() - p.left);
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / p.H, y = unit % p.H + p.top;
    const float* row = a.f32(0) + outer * kLanes * size + y * p.width() * pitch;
    for (int64_t x = 0; x < p.W; ++x) {
      const bool reached = x < reach && y < p.height();
      const int64_t at = (unit * p.W + x) * p.C * kLanes;
      const float* input = a.f32(1) + at;
      float* out = a.f32(2) + at;
      const auto values = [&](int lane, int64_t c, int64_t) {
        return reached ? load(row + lane * size + (x + p.left) * pitch + c) : zero();
      };
      if (p.relu)
        put_lanes(0, p.C, values, [&](int64_t c, int lane, Vec g) {
          const int64_t i = c * kLanes + lane;
          store(out + i, keep(load(input + i) > zero(), g));
        });
      else
        to_lanes(0, p.C, values, out);
    }
  }
}

}  // namespace convnet::CONVNET_ISA
