// Convolution of one image, output channels in lanes. Rows that a border cuts off are copied with
// zeros around them, so that the tiles know no border.
#include "ops/conv2d.h"

#include "cpu/kernels/activation.h"
#include "cpu/kernels/conv2d_depthwise.h"
#include "cpu/kernels/conv2d_few_channels.h"
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

// Every channel by itself, fewer than a vector has or under a pool: channels of input, weights and
// result lie side by side.
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

// Finds the places of inputs once for all tiles: runs of a few inputs end before they have begun.
void list_taps(Runs& runs, int32_t* taps) {
  int32_t* end = taps;
  for (int64_t o = 0; o < runs.outer; ++o)
    for (int64_t n = 0; n < runs.inner; ++n)
      for (int64_t k = 0; k < runs.K; ++k)
        *end++ = static_cast<int32_t>(o * runs.outer_step + n * runs.inner_step + k);
  runs.taps = taps;
}

// Part of a result: `rows` rows from `top` on, `width` pixels from `left` on of each.
struct Part {
  int64_t top, rows, left, width;
};

// Part of the convolution of one image, before the pool. y: where its first row begins.
void part_of_image(const KernelArgs& a, const Conv2dParams& p, const float* x, const Part& part,
                   float* y, float* scratch) {
  const bool relu = p.pool == FusedPool::none && p.activation == Activation::relu;
  const int64_t source = part.top * p.sy - p.top,
                rows = (part.rows - 1) * p.sy + (p.KH - 1) * p.dy + 1;
  const Image image = padded(p, x, source, rows, scratch);
  const float* start = image.data + (source - image.top) * image.row + part.left * p.sx * p.C;
  y += part.left * p.OC;
  if (p.in_group() == 1 && p.out_group() == 1) {
    for (int64_t r = 0; r < part.rows; ++r)
      depthwise_row(p, start + r * p.sy * image.row, image.row, a.f32(1), a.f32(2), part.width,
                    y + r * p.OW * p.OC);
    return;
  }
  // Taps of a row are one run where nothing lies between them.
  const bool joined = p.groups == 1 && p.dx == 1;
  Runs runs{
      p.KH, joined ? 1 : p.KW, joined ? p.KW * p.C : p.in_group(), p.dy * image.row, p.dx * p.C,
      p.OC};
  int32_t taps[kMostTaps];
  const int64_t tap_count = runs.outer * runs.inner * runs.K;
  if (tap_count <= kMostTaps) list_taps(runs, taps);
  if (p.groups == 1 && packs(p.OC, p.sx * p.C, tap_count)) {
    const PackedRow row{start, a.f32(1),   a.f32(2), y,         p.sx * p.C,
                        p.OC,  part.width, taps,     tap_count, relu};
    const auto rows_of = period_of(p.OC) == 1 ? packed_rows<1> : packed_rows<3>;
    return rows_of(row, part.rows, p.sy * image.row, p.OW * p.OC);
  }
  for (int64_t g = 0; g < p.groups; ++g)
    each_block(p.out_group(), [&](int64_t at, int64_t channels) {
      const int64_t o = g * p.out_group() + at;
      for (int64_t r = 0; r < part.rows; ++r)
        row_block(runs,
                  {start + r * p.sy * image.row + g * p.in_group(), a.f32(1) + o,
                   a.f32(2) ? a.f32(2) + o : nullptr, y + r * p.OW * p.OC + o, p.sx * p.C, p.OC,
                   part.width, relu},
                  channels);
    });
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

void pooled_part(const KernelArgs& a, const Conv2dParams& p, const float* x, int64_t top,
                 int64_t rows, float* y, float* scratch) {
  const int64_t line = p.OW * p.OC, pooled = p.OW / 2 * p.OC;
  float* before = scratch + p.padded_floats();
  part_of_image(a, p, x, {2 * top, 2 * rows, 0, p.OW}, before, scratch);
  for (int64_t r = 0; r < rows; ++r) pool_rows(p, before + 2 * r * line, y + r * pooled);
  activate_row(p.activation, y, rows * pooled);
}

// A segment of a row: what a unit is where rows are few.
void segment(const KernelArgs& a, const Conv2dParams& p, const float* x, int64_t row, int64_t index,
             float* y, float* scratch) {
  const int64_t left = cut(p.OW, p.segments, index),
                width = cut(p.OW, p.segments, index + 1) - left;
  part_of_image(a, p, x, {row, 1, left, width}, y, scratch);
  activate_row(p.activation, y + left * p.OC, width * p.OC);
}

}  // namespace

void conv2d_of_one(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  if (p.depthwise) return conv2d_depthwise_of_one(a);
  const int64_t rows = p.rows();
  float* scratch = static_cast<float*>(a.scratch);
  for (int64_t unit = a.begin; unit < a.end;) {
    const int64_t row = unit / p.segments, outer = row / rows, top = row % rows;
    const float* x = a.f32(0) + outer * p.H * p.W * p.C;
    if (p.segments > 1) {
      segment(a, p, x, top, unit % p.segments, a.f32(4) + row * p.OW * p.OC, scratch);
      ++unit;
      continue;
    }
    const int64_t count = least(rows - top, a.end - unit);
    if (p.pool == FusedPool::none) {
      float* y = a.f32(4) + row * p.OW * p.OC;
      part_of_image(a, p, x, {top, count, 0, p.OW}, y, scratch);
      activate_row(p.activation, y, count * p.OW * p.OC);
    } else {
      pooled_part(a, p, x, top, count, a.f32(4) + row * (p.OW / 2) * p.OC, scratch);
    }
    unit += count;
  }
}

}  // namespace convnet::CONVNET_ISA
