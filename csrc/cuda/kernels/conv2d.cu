// Convolutions as matrix products whose left side is the image, seen through the kernel's window:
// nothing is unfolded in memory. Groups of few channels, which would fill no tile, have kernels of
// their own.
#include "ops/conv2d.h"

#include "cpu/kernels/activation.h"
#include "cuda/block.h"
#include "cuda/gemm.h"
#include "ops/conv2d_weight.h"

namespace convnet::cuda {

namespace {

constexpr int64_t kLeastGroup = 16;  // channels of a group that is a matrix product

// [image][pixel of y][tap, channel of the group]: what each pixel of y sees of x.
struct Window {
  const float* x;  // at the group's first channel
  Conv2dParams p;
  CONVNET_INLINE float operator()(int64_t pixel, int64_t k) const {
    const int64_t channel = k % p.in_group(), tap = k / p.in_group();
    const int64_t ox = pixel % p.OW, row = pixel / p.OW, oy = row % p.OH, image = row / p.OH;
    const int64_t iy = oy * p.sy - p.top + tap / p.KW * p.dy;
    const int64_t ix = ox * p.sx - p.left + tap % p.KW * p.dx;
    if (iy < 0 || iy >= p.H || ix < 0 || ix >= p.W) return 0.0f;
    return x[((image * p.H + iy) * p.W + ix) * p.C + channel];
  }
};

// [image][pixel of x][tap, output channel of the group]: what each pixel of x was part of.
struct BackWindow {
  const float* dy;  // at the group's first channel
  Conv2dParams p;
  CONVNET_INLINE float operator()(int64_t pixel, int64_t k) const {
    const int64_t channel = k % p.out_group(), tap = k / p.out_group();
    const int64_t ix = pixel % p.W, row = pixel / p.W, iy = row % p.H, image = row / p.H;
    const int64_t y = iy + p.top - tap / p.KW * p.dy, x = ix + p.left - tap % p.KW * p.dx;
    if (y < 0 || x < 0 || y % p.sy != 0 || x % p.sx != 0) return 0.0f;
    const int64_t oy = y / p.sy, ox = x / p.sx;
    if (oy >= p.OH || ox >= p.OW) return 0.0f;
    return dy[((image * p.OH + oy) * p.OW + ox) * p.OC + channel];
  }
};

// Weights of a group as [tap, output channel][input channel].
struct BackWeights {
  const float* w;
  Conv2dParams p;
  CONVNET_INLINE float operator()(int64_t k, int64_t channel) const {
    const int64_t o = k % p.out_group(), tap = k / p.out_group();
    return w[(tap * p.in_group() + channel) * p.OC + o];
  }
};

// The window transposed, for gradients of weights.
struct Seen {
  Window window;
  CONVNET_INLINE float operator()(int64_t k, int64_t pixel) const { return window(pixel, k); }
};

struct PutPixel {
  float* y;  // at the group's first channel
  const float* bias;
  int64_t pitch;
  Activation activation;
  CONVNET_INLINE void operator()(int64_t, int64_t pixel, int64_t channel, float sum) const {
    const Vec value = set1(bias ? sum + bias[channel] : sum);
    store(y + pixel * pitch + channel, activate(activation, value));
  }
};

struct PutWeight {
  float* dw;
  int64_t OC;
  CONVNET_INLINE void operator()(int64_t, int64_t k, int64_t o, float sum) const {
    dw[k * OC + o] = sum;
  }
};

bool as_product(const Conv2dParams& p) {
  return p.groups == 1 || (p.out_group() >= kLeastGroup && p.in_group() >= kLeastGroup / 2);
}

// One thread a result.
__global__ void grouped(const float* x, const float* w, const float* bias, float* y, int64_t n,
                        Conv2dParams p, Activation activation) {
  each_element(n, [&](int64_t i) {
    const int64_t o = i % p.OC, group = o / p.out_group(), pixel = i / p.OC;
    const Window window{x + group * p.in_group(), p};
    float sum = 0;
    for (int64_t k = 0; k < p.taps() * p.in_group(); ++k)
      sum = fmaf(window(pixel, k), w[k * p.OC + o], sum);
    store(y + i, activate(activation, set1(bias ? sum + bias[o] : sum)));
  });
}

__global__ void grouped_backward(const float* dy, const float* w, const float* bias, float* dx,
                                 int64_t n, Conv2dParams p) {
  each_element(n, [&](int64_t i) {
    const int64_t c = i % p.C, group = c / p.in_group(), pixel = i / p.C;
    const BackWindow window{dy + group * p.out_group(), p};
    const BackWeights weights{w + group * p.out_group(), p};
    float sum = 0;
    for (int64_t k = 0; k < p.taps() * p.out_group(); ++k)
      sum = fmaf(window(pixel, k), weights(k, c % p.in_group()), sum);
    dx[i] = bias ? sum + bias[c] : sum;
  });
}

// A block for each weight.
__global__ void grouped_weight(const float* x, const float* dy, float* dw, int64_t pixels,
                               int64_t weights, Conv2dParams p) {
  each_row_of_block(weights, [&](int64_t i) {
    const int64_t o = i % p.OC, k = i / p.OC;
    const Window window{x + o / p.out_group() * p.in_group(), p};
    float sum = 0;
    for (int64_t pixel = threadIdx.x; pixel < pixels; pixel += kThreads)
      sum = fmaf(window(pixel, k), dy[pixel * p.OC + o], sum);
    sum = sum_over_block(sum);
    if (threadIdx.x == 0) dw[i] = sum;
  });
}

// Pooling of 2 x 2 behind a convolution, then the activation, which is monotonic; winners are row
// and column within the window, the first of equal ones.
__global__ void pool(const float* z, float* y, uint16_t* winners, int64_t n, Conv2dParams p) {
  each_element(n, [&](int64_t i) {
    const int64_t c = i % p.OC, px = i / p.OC % (p.OW / 2), row = i / p.OC / (p.OW / 2);
    const int64_t py = row % (p.OH / 2), image = row / (p.OH / 2);
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
    store(y + i, activate(p.activation, set1(best)));
    if (!winners) return;
    winners[2 * i] = static_cast<uint16_t>(winner / 2);
    winners[2 * i + 1] = static_cast<uint16_t>(winner % 2);
  });
}

__global__ void unpool(const float* dz, const uint16_t* winners, float* out, int64_t n,
                       Conv2dParams p) {
  each_element(n, [&](int64_t i) {
    const int64_t c = i % p.OC, x = i / p.OC % p.OW, row = i / p.OC / p.OW;
    const int64_t y = row % p.OH, image = row / p.OH;
    if (y / 2 >= p.H || x / 2 >= p.W) {
      out[i] = 0.0f;
      return;
    }
    const int64_t at = ((image * p.H + y / 2) * p.W + x / 2) * p.OC + c;
    const bool won = winners && winners[2 * at] == y % 2 && winners[2 * at + 1] == x % 2;
    out[i] = !winners ? dz[at] * 0.25f : won ? dz[at] : 0.0f;
  });
}

void convolve(const Call& a, const Conv2dParams& p, float* y, Activation activation) {
  const float *x = a.f32(0), *w = a.f32(1), *bias = a.f32(2);
  const int64_t pixels = a.samples * p.outer * p.OH * p.OW;
  if (!as_product(p)) {
    const int64_t n = pixels * p.OC;
    launch(grouped, blocks_for(n), kThreads, a.stream, x, w, bias, y, n, p, activation);
    return;
  }
  for (int64_t g = 0; g < p.groups; ++g) {
    const int64_t o = g * p.out_group();
    gemm(a.stream, pixels, p.out_group(), p.taps() * p.in_group(),
         Window{x + g * p.in_group(), p}, Matrix{w + o, p.OC, 1},
         PutPixel{y + o, bias ? bias + o : nullptr, p.OC, activation});
  }
}

}  // namespace

void conv2d(const Call& a) {
  const auto& p = a.as<Conv2dParams>();
  if (p.pool == FusedPool::none) return convolve(a, p, a.f32(4), p.activation);
  float* z = static_cast<float*>(a.scratch);
  convolve(a, p, z, Activation::linear);
  const int64_t n = a.samples * p.outer * (p.OH / 2) * (p.OW / 2) * p.OC;
  auto* winners = p.pool == FusedPool::max ? static_cast<uint16_t*>(a.data[5]) : nullptr;
  launch(pool, blocks_for(n), kThreads, a.stream, static_cast<const float*>(z), a.f32(4), winners,
         n, p);
}
size_t conv2d_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const Conv2dParams*>(params);
  if (p.pool == FusedPool::none) return 0;
  return static_cast<size_t>(samples * p.outer * p.OH * p.OW * p.OC) * sizeof(float);
}

void conv2d_backward_input(const Call& a) {
  const auto& p = a.as<Conv2dParams>();
  const float *dy = a.f32(0), *w = a.f32(1), *bias = a.f32(2);
  const int64_t pixels = a.samples * p.outer * p.H * p.W;
  if (!as_product(p)) {
    launch(grouped_backward, blocks_for(pixels * p.C), kThreads, a.stream, dy, w, bias, a.f32(4),
           pixels * p.C, p);
    return;
  }
  for (int64_t g = 0; g < p.groups; ++g) {
    const int64_t c = g * p.in_group(), o = g * p.out_group();
    gemm(a.stream, pixels, p.in_group(), p.taps() * p.out_group(), BackWindow{dy + o, p},
         BackWeights{w + o, p},
         PutPixel{a.f32(4) + c, bias ? bias + c : nullptr, p.C, Activation::linear});
  }
}

void conv2d_backward_weight(const Call& a) {
  const Conv2dParams& p = a.as<Conv2dWeightParams>();
  const float *x = a.f32(0), *dy = a.f32(1);
  const int64_t pixels = a.batch * p.outer * p.OH * p.OW, streams = p.taps() * p.in_group();
  if (p.groups == 1)
    return gemm_of_sums(a.stream, streams, p.OC, pixels, Seen{{x, p}}, Matrix{dy, p.OC, 1},
                        a.f32(2), a.scratch);
  if (!as_product(p)) {
    launch(grouped_weight, blocks_for_rows(streams * p.OC), kThreads, a.stream, x, dy, a.f32(2),
           pixels, streams * p.OC, p);
    return;
  }
  for (int64_t g = 0; g < p.groups; ++g) {
    const int64_t o = g * p.out_group();
    gemm(a.stream, streams, p.out_group(), pixels, Seen{{x + g * p.in_group(), p}},
         Matrix{dy + o, p.OC, 1}, PutWeight{a.f32(2) + o, p.OC});
  }
}
size_t conv2d_backward_weight_scratch(const void* params, int64_t samples) {
  const Conv2dParams& p = *static_cast<const Conv2dWeightParams*>(params);
  if (p.groups > 1) return 0;
  return scratch_of_sums(p.taps() * p.in_group(), p.OC, samples * p.outer * p.OH * p.OW);
}

void unpool2x2(const Call& a) {
  const auto& p = a.as<Conv2dParams>();
  const int64_t n = a.samples * p.outer * p.OH * p.OW * p.OC;
  launch(unpool, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const uint16_t*>(a.data[1]), a.f32(2), n, p);
}

}  // namespace convnet::cuda
