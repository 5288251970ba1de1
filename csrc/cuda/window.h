// Images as operands of matrix products: what pixels see through the kernel of a convolution, and
// the weights as the gradient for the input needs them. Products are groups of channels.
#pragma once

#include <numeric>

#include "cuda/divide.h"
#include "cuda/gemm.h"
#include "ops/conv2d.h"

namespace convnet::cuda {

// Conv2dParams in the numbers of a thread.
struct Geometry {
  int H, W, C, OH, OW, OC, KH, KW, sy, sx, dy, dx, top, left, in_group, out_group;
  Divisor by_width, by_height, by_out_width, by_out_height, by_kernel_width;
  Divisor by_in_group, by_out_group, by_sy, by_sx;

  explicit Geometry(const Conv2dParams& p)
      : H(narrow(p.H)),
        W(narrow(p.W)),
        C(narrow(p.C)),
        OH(narrow(p.OH)),
        OW(narrow(p.OW)),
        OC(narrow(p.OC)),
        KH(narrow(p.KH)),
        KW(narrow(p.KW)),
        sy(narrow(p.sy)),
        sx(narrow(p.sx)),
        dy(narrow(p.dy)),
        dx(narrow(p.dx)),
        top(narrow(p.top)),
        left(narrow(p.left)),
        in_group(narrow(p.in_group())),
        out_group(narrow(p.out_group())),
        by_width(p.W),
        by_height(p.H),
        by_out_width(p.OW),
        by_out_height(p.OH),
        by_kernel_width(p.KW),
        by_in_group(p.in_group()),
        by_out_group(p.out_group()),
        by_sy(p.sy),
        by_sx(p.sx) {}

  static int narrow(int64_t n) { return static_cast<int>(n); }
};

// A pixel of an image that one sees from a place, or a place that one sees it from.
struct View {
  const float* image;  // or null
  int y, x;
};

// Whether channels can be read four at a time.
inline bool in_fours(const float* image, int64_t channels, int64_t group) {
  return reinterpret_cast<uintptr_t>(image) % 16 == 0 && (channels | group) % 4 == 0;
}

// Lines are pixels of y, numbers [tap, channel of the group]. Where channels are read one by one,
// it goes along the pixels, for whom a tap is decoded once.
template <bool kAlong_>
struct Window {
  static constexpr bool kAlong = kAlong_, vector = kAlong;
  const float* data;  // x
  Geometry g;

  CONVNET_INLINE Window of(int group) const {
    Window part = *this;
    part.data += group * g.in_group;
    return part;
  }
  CONVNET_INLINE View line(int pixel) const {
    int ox, oy;
    const int image = g.by_out_height.divide(g.by_out_width.divide(pixel, ox), oy);
    return {data + int64_t{image} * g.H * g.W * g.C, oy * g.sy - g.top, ox * g.sx - g.left};
  }
  CONVNET_INLINE bool at(const View& from, int k, const float*& p) const {
    int channel, kx;
    const int ky = g.by_kernel_width.divide(g.by_in_group.divide(k, channel), kx);
    const int y = from.y + ky * g.dy, x = from.x + kx * g.dx;
    p = from.image + (int64_t{y} * g.W + x) * g.C + channel;
    return y >= 0 && y < g.H && x >= 0 && x < g.W;
  }
};

// The same transposed, for gradients of weights: lines are [tap, channel of the group].
struct Seen {
  static constexpr bool kAlong = false;
  bool vector;
  const float* data;
  Geometry g;

  CONVNET_INLINE Seen of(int group) const {
    Seen part = *this;
    part.data += group * g.in_group;
    return part;
  }
  CONVNET_INLINE View line(int k) const {
    int channel, kx;
    const int ky = g.by_kernel_width.divide(g.by_in_group.divide(k, channel), kx);
    return {data + channel, ky * g.dy - g.top, kx * g.dx - g.left};
  }
  CONVNET_INLINE bool at(const View& tap, int pixel, const float*& p) const {
    int ox, oy;
    const int64_t image = g.by_out_height.divide(g.by_out_width.divide(pixel, ox), oy);
    const int y = oy * g.sy + tap.y, x = ox * g.sx + tap.x;
    p = tap.image + ((image * g.H + y) * g.W + x) * g.C;
    return y >= 0 && y < g.H && x >= 0 && x < g.W;
  }
};

// Along an axis, pixels of x that are a stride apart were met by the same taps, some step apart:
// they are a phase of the gradient for the input, and a product of their own.
struct Axis {
  int stride, dilation, before, taps;  // before: padding
  int pixels, most_taps;               // of a phase
  int step, hop;  // from tap to tap of a phase, and how far back each lies in y
  int inverse;    // of hop, modulo step
  Divisor by_common, by_step;

  Axis(int64_t size, int64_t stride_, int64_t dilation_, int64_t before_, int64_t taps_)
      : stride(static_cast<int>(stride_)),
        dilation(static_cast<int>(dilation_)),
        before(static_cast<int>(before_)),
        taps(static_cast<int>(taps_)),
        pixels(static_cast<int>(div_up(size, stride_))),
        step(static_cast<int>(stride_ / std::gcd(stride_, dilation_))),
        hop(static_cast<int>(dilation_ / std::gcd(stride_, dilation_))),
        inverse(0),
        by_common(std::gcd(stride_, dilation_)),
        by_step(step) {
    most_taps = (taps + step - 1) / step;
    while (int64_t{inverse} * hop % step != 1 % step) ++inverse;
  }
  // The first tap of a phase, tap * dilation = phase + before modulo stride; `taps` where it has
  // none.
  CONVNET_INLINE int first_tap(int phase) const {
    int odd, tap;
    const int met = by_common.divide(phase + before, odd);
    by_step.divide(met, tap);
    by_step.divide(tap * inverse, tap);
    return odd == 0 && tap < taps ? tap : taps;
  }
};

// Conv2dParams for the gradient for the input. Products are [group][phase of rows][of columns].
struct Phases {
  Axis y, x;
  int H, W, OH, OW, OC, in_group, out_group;
  Divisor by_phases, by_sx, by_pixels_x, by_pixels_y, by_taps_x, by_out_group;

  explicit Phases(const Conv2dParams& p)
      : y(p.H, p.sy, p.dy, p.top, p.KH),
        x(p.W, p.sx, p.dx, p.left, p.KW),
        H(Geometry::narrow(p.H)),
        W(Geometry::narrow(p.W)),
        OH(Geometry::narrow(p.OH)),
        OW(Geometry::narrow(p.OW)),
        OC(Geometry::narrow(p.OC)),
        in_group(Geometry::narrow(p.in_group())),
        out_group(Geometry::narrow(p.out_group())),
        by_phases(p.sy * p.sx),
        by_sx(p.sx),
        by_pixels_x(x.pixels),
        by_pixels_y(y.pixels),
        by_taps_x(x.most_taps),
        by_out_group(p.out_group()) {}

  int64_t lines(int64_t images) const { return images * y.pixels * x.pixels; }
  int64_t numbers() const { return int64_t{out_group} * y.most_taps * x.most_taps; }
  // The group of a product, and its phases.
  CONVNET_INLINE int group(int product, int& py, int& px) const {
    int phase;
    const int g = by_phases.divide(product, phase);
    py = by_sx.divide(phase, px);
    return g;
  }
};

// Lines are pixels of x, numbers [tap, output channel of the group]: what a pixel was part of.
template <bool kAlong_>
struct BackWindow {
  static constexpr bool kAlong = kAlong_, vector = kAlong;
  const float* data;  // dy
  Phases g;
  int y, x;  // of y, what the first tap has met of the first pixel of the phase

  CONVNET_INLINE BackWindow of(int product) const {
    BackWindow part = *this;
    int py, px;
    part.data += g.group(product, py, px) * g.out_group;
    part.y = (py + g.y.before - g.y.first_tap(py) * g.y.dilation) / g.y.stride;
    part.x = (px + g.x.before - g.x.first_tap(px) * g.x.dilation) / g.x.stride;
    return part;
  }
  CONVNET_INLINE View line(int pixel) const {
    int ix, iy;
    const int64_t image = g.by_pixels_y.divide(g.by_pixels_x.divide(pixel, ix), iy);
    return {data + image * g.OH * g.OW * g.OC, iy + y, ix + x};
  }
  CONVNET_INLINE bool at(const View& from, int k, const float*& p) const {
    int channel, tx;
    const int ty = g.by_taps_x.divide(g.by_out_group.divide(k, channel), tx);
    const int oy = from.y - ty * g.y.hop, ox = from.x - tx * g.x.hop;
    p = from.image + (int64_t{oy} * g.OW + ox) * g.OC + channel;
    return oy >= 0 && oy < g.OH && ox >= 0 && ox < g.OW;
  }
};

// Lines are input channels of the group, numbers [tap, output channel].
struct BackWeights {
  static constexpr bool kAlong = true;
  bool vector;
  const float* data;  // w
  Phases g;
  int ky, kx;  // first taps of the phase

  CONVNET_INLINE BackWeights of(int product) const {
    BackWeights part = *this;
    int py, px;
    part.data += g.group(product, py, px) * g.out_group;
    part.ky = g.y.first_tap(py), part.kx = g.x.first_tap(px);
    return part;
  }
  CONVNET_INLINE const float* line(int channel) const { return data + int64_t{channel} * g.OC; }
  CONVNET_INLINE bool at(const float* line, int k, const float*& p) const {
    int channel, tx;
    const int ty = g.by_taps_x.divide(g.by_out_group.divide(k, channel), tx);
    const int y = ky + ty * g.y.step, x = kx + tx * g.x.step;
    p = line + int64_t{y * g.x.taps + x} * g.in_group * g.OC + channel;
    return y < g.y.taps && x < g.x.taps;
  }
};

// Stores a phase where its pixels lie in x, or slices of its sums as they are.
struct PutPhase {
  PlainOutput out;  // products are groups, rows pixels
  Phases g;
  bool sliced, vector;

  PutPhase(const PlainOutput& out, const Phases& g, bool sliced = false)
      : out(out), g(g), sliced(sliced), vector(out.vector) {}
  PutPhase of_slices(float* sums, const Shape& shape, int slices) const {
    return {out.of_slices(sums, shape, slices), g, true};
  }

  // store(group, slice, row): where line m of a product belongs, if anywhere.
  template <class Store>
  CONVNET_INLINE void place(int product, int slice, int m, Store store) const {
    if (sliced) return store(product, slice, m);
    int py, px, ix, iy;
    const int group = g.group(product, py, px);
    const int image = g.by_pixels_y.divide(g.by_pixels_x.divide(m, ix), iy);
    iy = iy * g.y.stride + py, ix = ix * g.x.stride + px;
    if (iy < g.H && ix < g.W) store(group, 0, (image * g.H + iy) * g.W + ix);
  }
  CONVNET_INLINE void one(int product, int slice, int m, int n, float sum) const {
    place(product, slice, m, [&](int p, int s, int row) { out.one(p, s, row, n, sum); });
  }
  CONVNET_INLINE void operator()(int product, int slice, int m, int n, const float* sums) const {
    place(product, slice, m, [&](int p, int s, int row) { out(p, s, row, n, sums); });
  }
};

// Weights [tap, channel of the group][OC], or dy [pixel][OC]: lines are output channels of a group.
struct Columns {
  static constexpr bool kAlong = false;
  bool vector;
  const float* data;
  int pitch, group;  // floats from number to number, from group to group

  Columns(const float* data, const Conv2dParams& p)
      : vector(in_fours(data, p.OC, p.out_group())),
        data(data),
        pitch(Geometry::narrow(p.OC)),
        group(Geometry::narrow(p.out_group())) {}

  CONVNET_INLINE Columns of(int product) const {
    Columns part = *this;
    part.data += product * group;
    return part;
  }
  CONVNET_INLINE const float* line(int i) const { return data + i; }
  CONVNET_INLINE bool at(const float* line, int k, const float*& p) const {
    p = line + int64_t{k} * pitch;
    return true;
  }
};

template <>
constexpr Tiles kTilesOf<Window<true>, Columns> = Tiles::most;
template <>
constexpr Tiles kTilesOf<Seen, Columns> = Tiles::most;
template <>
constexpr Tiles kTilesOf<BackWindow<true>, BackWeights> = Tiles::most;
// Of one to three channels, and of other numbers that are no multiples of four.
template <>
constexpr Tiles kTilesOf<Window<false>, Columns> = Tiles::few;
template <>
constexpr Tiles kTilesOf<BackWindow<false>, BackWeights> = Tiles::one;

}  // namespace convnet::cuda
