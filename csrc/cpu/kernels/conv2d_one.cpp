// Convolution of one image, output channels in lanes. Rows that a border cuts off are copied with
// zeros around them, so that the tiles know no border.
#include "ops/conv2d.h"

#include "cpu/kernels/activation.h"
#include "cpu/kernels/one.h"
#include "cpu/kernels/row_tile.h"

namespace convnet::CONVNET_ISA {

namespace {

// Rows of an image as the taps read them: source row `top` is at `data`.
struct Image {
  const float* data;
  int64_t row;  // floats
  int64_t top;
};

// Source rows [first, first + rows) of an image with their padding.
Image padded(const Conv2dParams& p, const float* x, int64_t first, int64_t rows, float* scratch) {
  const int64_t wide = p.padded_width() * p.C, line = p.W * p.C;
  if (p.left == 0 && wide <= line && first >= 0 && first + rows <= p.H) return {x, line, 0};
  for (int64_t i = 0; i < rows; ++i) {
    float* to = scratch + i * wide;
    const int64_t y = first + i, begin = p.left * p.C;
    const bool inside = 0 <= y && y < p.H;
    const int64_t copied = inside ? least(line, wide - begin) : 0;
    for (int64_t j = 0; j < wide; ++j) to[j] = 0;
    if (copied > 0) __builtin_memcpy(to + begin, x + y * line, static_cast<size_t>(copied) * 4);
  }
  return {scratch, wide, first};
}

// Every channel by itself: channels of input, weights and result lie side by side.
void depthwise_row(const Conv2dParams& p, const float* x, int64_t row, const float* w,
                   const float* bias, int64_t width, float* y) {
  for (int64_t c = 0; c < p.C; c += kWidth) {
    const int64_t n = least(kWidth, p.C - c);
    const Vec start = bias ? load_first(bias + c, n) : zero();
    for (int64_t ox = 0; ox < width; ++ox) {
      Vec acc = start;
      for (int64_t ky = 0; ky < p.KH; ++ky)
        for (int64_t kx = 0; kx < p.KW; ++kx)
          acc = fma(load_first(x + ky * p.dy * row + (ox * p.sx + kx * p.dx) * p.C + c, n),
                    load_first(w + (ky * p.KW + kx) * p.C + c, n), acc);
      store_first(y + ox * p.C + c, n, acc);
    }
  }
}

// Rows [first, last) of the convolution of one image, before the pool.
void rows_of_image(const KernelArgs& a, const Conv2dParams& p, const float* x, int64_t first,
                   int64_t last, float* y, float* scratch) {
  const bool relu = p.pool == FusedPool::none && p.activation == Activation::relu;
  const int64_t source = first * p.sy - p.top,
                rows = (last - first - 1) * p.sy + (p.KH - 1) * p.dy + 1;
  const Image image = padded(p, x, source, rows, scratch);
  const float* start = image.data + (source - image.top) * image.row;
  if (p.in_group() == 1 && p.out_group() == 1) {
    for (int64_t r = 0; r < last - first; ++r)
      depthwise_row(p, start + r * p.sy * image.row, image.row, a.f32(1), a.f32(2), p.OW,
                    y + r * p.OW * p.OC);
    return;
  }
  // Taps of a row are one run where nothing lies between them.
  const bool joined = p.groups == 1 && p.dx == 1;
  const Runs runs{
      p.KH, joined ? 1 : p.KW, joined ? p.KW * p.C : p.in_group(), p.dy * image.row, p.dx * p.C,
      p.OC};
  for (int64_t g = 0; g < p.groups; ++g)
    each_block(p.out_group(), [&](int64_t at, int64_t channels) {
      const int64_t o = g * p.out_group() + at;
      for (int64_t r = 0; r < last - first; ++r)
        row_block(runs,
                  {start + r * p.sy * image.row + g * p.in_group(), a.f32(1) + o,
                   a.f32(2) ? a.f32(2) + o : nullptr, y + r * p.OW * p.OC + o, p.sx * p.C, p.OC,
                   p.OW, relu},
                  channels);
    });
}

void activate(Activation kind, float* y, int64_t n) {
  if (kind == Activation::linear) return;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, activate(kind, load(y + i)));
  if (i < n) store_first(y + i, n - i, activate(kind, load_first(y + i, n - i)));
}

// Two rows of the convolution pooled to one.
void pool_rows(const Conv2dParams& p, const float* above, float* y) {
  const float* below = above + p.OW * p.OC;
  for (int64_t x = 0; x < p.OW / 2; ++x)
    for (int64_t c = 0; c < p.OC; c += kWidth) {
      const int64_t n = least(kWidth, p.OC - c), at = 2 * x * p.OC + c;
      const Vec a = load_first(above + at, n), b = load_first(above + at + p.OC, n),
                d = load_first(below + at, n), e = load_first(below + at + p.OC, n);
      const Vec pooled =
          p.pool == FusedPool::max ? max(max(e, d), max(b, a)) : ((a + b) + (d + e)) * set1(0.25f);
      store_first(y + x * p.OC + c, n, pooled);
    }
}

}  // namespace

void conv2d_of_one(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  const int64_t rows = p.rows();
  float* scratch = static_cast<float*>(a.scratch);
  for (int64_t unit = a.begin; unit < a.end;) {
    const int64_t outer = unit / rows, first = unit % rows,
                  last = least(rows, first + a.end - unit);
    const float* x = a.f32(0) + outer * p.H * p.W * p.C;
    if (p.pool == FusedPool::none) {
      float* y = a.f32(4) + unit * p.OW * p.OC;
      rows_of_image(a, p, x, first, last, y, scratch);
      activate(p.activation, y, (last - first) * p.OW * p.OC);
    } else {
      const int64_t line = p.OW * p.OC, pooled = p.OW / 2 * p.OC;
      float* y = a.f32(4) + unit * pooled;
      float* before = scratch + p.padded_floats();
      rows_of_image(a, p, x, 2 * first, 2 * last, before, scratch);
      for (int64_t r = 0; r < last - first; ++r)
        pool_rows(p, before + 2 * r * line, y + r * pooled);
      activate(p.activation, y, (last - first) * pooled);
    }
    unit += last - first;
  }
}

}  // namespace convnet::CONVNET_ISA
