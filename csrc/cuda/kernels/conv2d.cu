// Convolutions as matrix products whose left side is the image, seen through the kernel's window:
// nothing is unfolded in memory. Groups of few channels, which would fill no tile, have kernels of
// their own.
#include "ops/conv2d.h"

#include "cuda/gemm.h"
#include "cuda/window.h"
#include "ops/conv2d_weight.h"

namespace convnet::cuda {

namespace {

constexpr int64_t kLeastGroup = 16;  // channels of a group that is a matrix product
constexpr int64_t kPixelsOfSlice = 512, kMostSlices = 128, kMostBlocksOfSlices = 2112;
constexpr int kTogether = 32, kShares = kThreads / kTogether;  // outputs, shares of the pixels

bool as_product(const Conv2dParams& p) {
  return p.groups == 1 || (p.out_group() >= kLeastGroup && p.in_group() >= kLeastGroup / 2);
}
int64_t pixels_of_x(const Conv2dParams& p, int64_t samples) {
  return samples * p.outer * p.H * p.W;
}
int64_t pixels_of_y(const Conv2dParams& p, int64_t samples) {
  return samples * p.outer * p.OH * p.OW;
}
Shape forward_shape(const Conv2dParams& p, int64_t samples) {
  return {pixels_of_y(p, samples), p.out_group(), p.taps() * p.in_group(), p.groups};
}
Shape input_shape(const Conv2dParams& p, int64_t samples) {
  const Phases phases(p);
  return {phases.lines(samples * p.outer), p.in_group(), phases.numbers(), p.groups * p.sy * p.sx};
}
Shape weight_shape(const Conv2dParams& p, int64_t samples) {
  return {p.taps() * p.in_group(), p.out_group(), pixels_of_y(p, samples), p.groups};
}

// body(i / width, i % width, i) for a thread's elements of n.
template <class Body>
__device__ __forceinline__ void each_in_row(int64_t n, int width, Body body) {
  const int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int step = static_cast<int>(gridDim.x * blockDim.x), rows = step / width;
  int row = static_cast<int>(first / width), column = static_cast<int>(first % width);
  for (int64_t i = first; i < n; i += step) {
    body(row, column, i);
    row += rows, column += step - rows * width;
    if (column >= width) ++row, column -= width;
  }
}

// Groups of few channels: one thread a result.
__global__ void grouped(Window<true> window, const float* w, const float* bias, float* y, int64_t n,
                        Activation activation) {
  const Geometry& g = window.g;
  each_in_row(n, g.OC, [&](int pixel, int o, int64_t i) {
    const View view = window.of(g.by_out_group.quotient(o)).line(pixel);
    float sum = 0;
    for (int ky = 0; ky < g.KH; ++ky)
      for (int kx = 0; kx < g.KW; ++kx) {
        const int tap = ky * g.KW + kx;
        const float* x;
        if (!window.at(view, tap * g.in_group, x)) continue;
        const float* weights = w + int64_t{tap} * g.in_group * g.OC + o;
        for (int c = 0; c < g.in_group; ++c) sum = fmaf(x[c], weights[c * g.OC], sum);
      }
    store(y + i, activate_briefly(activation, set1(bias ? sum + bias[o] : sum)));
  });
}

__global__ void grouped_backward(const float* dy, const float* w, const float* bias, float* dx,
                                 int64_t n, Geometry g) {
  each_in_row(n, g.C, [&](int pixel, int c, int64_t i) {
    int part, ix, iy, odd;
    const int group = g.by_in_group.divide(c, part);
    const int64_t image = g.by_height.divide(g.by_width.divide(pixel, ix), iy);
    float sum = 0;
    for (int ky = 0; ky < g.KH; ++ky) {
      const int y = iy + g.top - ky * g.dy;
      if (y < 0) break;
      const int oy = g.by_sy.divide(y, odd);
      if (odd || oy >= g.OH) continue;
      for (int kx = 0; kx < g.KW; ++kx) {
        const int x = ix + g.left - kx * g.dx;
        if (x < 0) break;
        const int ox = g.by_sx.divide(x, odd);
        if (odd || ox >= g.OW) continue;
        const int64_t from = (image * g.OH + oy) * g.OW + ox;
        const int64_t weights = int64_t{ky * g.KW + kx} * g.in_group + part;
        for (int o = group * g.out_group; o < (group + 1) * g.out_group; ++o)
          sum = fmaf(dy[from * g.OC + o], w[weights * g.OC + o], sum);
      }
    }
    dx[i] = bias ? sum + bias[c] : sum;
  });
}

// A block takes kTogether output channels of a row of dw and a slice of the pixels, of which
// kShares threads each sum up a share.
__global__ void grouped_weight(Seen seen, const float* dy, float* dw, int pixels, int slice) {
  __shared__ float sums[kShares][kTogether];
  const Geometry& g = seen.g;
  const int thread = static_cast<int>(threadIdx.x), share = thread / kTogether;
  const int o = static_cast<int>(blockIdx.y) * kTogether + thread % kTogether;
  const int row = static_cast<int>(blockIdx.x), begin = static_cast<int>(blockIdx.z) * slice;
  const int end = pixels - begin > slice ? begin + slice : pixels;
  float sum = 0;
  if (o < g.OC) {
    const View tap = seen.of(g.by_out_group.quotient(o)).line(row);
    for (int pixel = begin + share; pixel < end; pixel += kShares) {
      const float* x;
      if (seen.at(tap, pixel, x)) sum = fmaf(*x, dy[int64_t{pixel} * g.OC + o], sum);
    }
  }
  sums[share][thread % kTogether] = sum;
  __syncthreads();
  if (share > 0 || o >= g.OC) return;
  for (int s = 1; s < kShares; ++s) sum += sums[s][thread];
  dw[(int64_t{blockIdx.z} * gridDim.x + row) * g.OC + o] = sum;
}

int64_t slices_of_groups(const Conv2dParams& p, int64_t samples) {
  const int64_t blocks = p.taps() * p.in_group() * div_up(p.OC, kTogether);
  const int64_t slices = std::min(div_up(pixels_of_y(p, samples), kPixelsOfSlice),
                                  kMostBlocksOfSlices / std::max<int64_t>(blocks, 1));
  return std::clamp<int64_t>(slices, 1, kMostSlices);
}

// Pooling of 2 x 2 behind a convolution, then the activation, which is monotonic; winners are row
// and column within the window, the first of equal ones.
__global__ void pool(const float* z, float* y, uint16_t* winners, int64_t n, Conv2dParams p,
                     Divisor by_width, Divisor by_height) {
  each_in_row(n, static_cast<int>(p.OC), [&](int pixel, int c, int64_t i) {
    int px, py;
    const int64_t image = by_height.divide(by_width.divide(pixel, px), py);
    const float* window = z + ((image * p.OH + 2 * py) * p.OW + 2 * px) * p.OC + c;
    const float all[] = {window[0], window[p.OC], window[p.OW * p.OC], window[(p.OW + 1) * p.OC]};
    float best = all[0];
    int winner = 0;
    bool broken = all[0] != all[0];
    for (int t = 1; t < 4; ++t) {
      if (all[t] > best) best = all[t], winner = t;
      broken = broken || all[t] != all[t];
    }
    if (broken) best = __builtin_nanf("");
    if (p.pool == FusedPool::average) best = ((all[0] + all[1]) + (all[2] + all[3])) * 0.25f;
    store(y + i, activate_briefly(p.activation, set1(best)));
    if (!winners) return;
    winners[2 * i] = static_cast<uint16_t>(winner / 2);
    winners[2 * i + 1] = static_cast<uint16_t>(winner % 2);
  });
}

__global__ void unpool(const float* dz, const uint16_t* winners, float* out, int64_t n,
                       Conv2dParams p, Divisor by_width, Divisor by_height) {
  each_in_row(n, static_cast<int>(p.OC), [&](int pixel, int c, int64_t i) {
    int x, y;
    const int64_t image = by_height.divide(by_width.divide(pixel, x), y);
    if (y / 2 >= p.H || x / 2 >= p.W) {
      out[i] = 0.0f;
      return;
    }
    const int64_t at = ((image * p.H + y / 2) * p.W + x / 2) * p.OC + c;
    const bool won = winners && winners[2 * at] == y % 2 && winners[2 * at + 1] == x % 2;
    out[i] = !winners ? dz[at] * 0.25f : won ? dz[at] : 0.0f;
  });
}

void convolve(const Call& a, const Conv2dParams& p, float* y, Activation activation,
              void* scratch) {
  const float *x = a.f32(0), *w = a.f32(1), *bias = a.f32(2);
  const Shape shape = forward_shape(p, a.samples);
  const Geometry g(p);
  if (!as_product(p)) {
    const int64_t n = shape.M * p.OC;
    launch(grouped, blocks_for(n), kThreads, a.stream, Window<true>{x, g}, w, bias, y, n,
           activation);
    return;
  }
  const Columns weights(w, p);
  const Output out(y, bias, p.OC, p.out_group(), activation, p.groups > 1 ? p.out_group() : 0);
  if (in_fours(x, p.C, p.in_group()))
    gemm(a, scratch, shape, Window<true>{x, g}, weights, out);
  else
    gemm(a, scratch, shape, Window<false>{x, g}, weights, out);
}

// Bytes of the results before pooling.
size_t before_pool(const Conv2dParams& p, int64_t samples) {
  constexpr size_t kAlign = 256;
  const size_t bytes = static_cast<size_t>(pixels_of_y(p, samples) * p.OC) * sizeof(float);
  return p.pool == FusedPool::none ? 0 : (bytes + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

void conv2d(const Call& a) {
  const auto& p = a.as<Conv2dParams>();
  if (p.pool == FusedPool::none) return convolve(a, p, a.f32(4), p.activation, a.scratch);
  float* z = static_cast<float*>(a.scratch);
  convolve(a, p, z, Activation::linear, static_cast<char*>(a.scratch) + before_pool(p, a.samples));
  const int64_t n = a.samples * p.outer * (p.OH / 2) * (p.OW / 2) * p.OC;
  auto* winners = p.pool == FusedPool::max ? static_cast<uint16_t*>(a.data[5]) : nullptr;
  launch(pool, blocks_for(n), kThreads, a.stream, static_cast<const float*>(z), a.f32(4), winners,
         n, p, Divisor(p.OW / 2), Divisor(p.OH / 2));
}
size_t conv2d_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const Conv2dParams*>(params);
  const size_t slices = as_product(p) ? gemm_scratch(forward_shape(p, samples)) : 0;
  return before_pool(p, samples) + slices;
}

void conv2d_backward_input(const Call& a) {
  const auto& p = a.as<Conv2dParams>();
  const float *dy = a.f32(0), *w = a.f32(1), *bias = a.f32(2);
  float* dx = a.f32(4);
  if (!as_product(p)) {
    const int64_t n = pixels_of_x(p, a.samples) * p.C;
    launch(grouped_backward, blocks_for(n), kThreads, a.stream, dy, w, bias, dx, n, Geometry(p));
    return;
  }
  const Shape shape = input_shape(p, a.samples);
  const Phases g(p);
  const BackWeights weights{in_fours(w, p.OC, p.out_group()), w, g, 0, 0};
  const PutPhase out(
      PlainOutput(dx, bias, p.C, p.in_group(), Activation::linear, p.groups > 1 ? p.in_group() : 0),
      g);
  if (in_fours(dy, p.OC, p.out_group()))
    gemm(a, a.scratch, shape, BackWindow<true>{dy, g, 0, 0}, weights, out);
  else
    gemm(a, a.scratch, shape, BackWindow<false>{dy, g, 0, 0}, weights, out);
}
size_t conv2d_backward_input_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const Conv2dParams*>(params);
  return as_product(p) ? gemm_scratch(input_shape(p, samples)) : 0;
}

void conv2d_backward_weight(const Call& a) {
  const Conv2dParams& p = a.as<Conv2dWeightParams>();
  const float *x = a.f32(0), *dy = a.f32(1);
  float* dw = a.f32(2);
  const Shape shape = weight_shape(p, a.batch);
  const Seen seen{in_fours(x, p.C, p.in_group()), x, Geometry(p)};
  if (as_product(p)) {
    const Columns right(dy, p);
    return gemm(a, a.scratch, shape, seen, right,
                PlainOutput(dw, nullptr, p.OC, p.out_group(), Activation::linear,
                            p.groups > 1 ? p.out_group() : 0));
  }
  const int64_t slices = slices_of_groups(p, a.batch), n = shape.M * p.OC;
  const dim3 grid(static_cast<unsigned>(shape.M), static_cast<unsigned>(div_up(p.OC, kTogether)),
                  static_cast<unsigned>(slices));
  float* sums = slices > 1 ? static_cast<float*>(a.scratch) : dw;
  launch(grouped_weight, grid, dim3(kThreads), a.stream, seen, dy, sums, static_cast<int>(shape.K),
         static_cast<int>(div_up(shape.K, slices)));
  if (slices > 1) add_slices(a.stream, sums, dw, n, static_cast<int>(slices));
}
size_t conv2d_backward_weight_scratch(const void* params, int64_t samples) {
  const Conv2dParams& p = *static_cast<const Conv2dWeightParams*>(params);
  if (as_product(p)) return gemm_scratch(weight_shape(p, samples));
  const int64_t slices = slices_of_groups(p, samples);
  return slices > 1 ? static_cast<size_t>(slices * p.taps() * p.in_group() * p.OC) * sizeof(float)
                    : 0;
}

void unpool2x2(const Call& a) {
  const auto& p = a.as<Conv2dParams>();
  const int64_t n = a.samples * p.outer * p.OH * p.OW * p.OC;
  launch(unpool, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const uint16_t*>(a.data[1]), a.f32(2), n, p, Divisor(p.OW), Divisor(p.OH));
}

}  // namespace convnet::cuda
