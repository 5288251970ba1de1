// Gradient of a convolution of few channels under a 2x2 max pool for its weights, samples in lanes:
// dw[ky][kx][c][o] = sum over windows and samples of dz * the input under the pixel that won.
// Rather than multiply what all four pixels of a window see by a gradient that is mostly zero, what
// the winner sees is chosen lane by lane, first between columns, then between rows.
#include "cpu/kernels/index.h"
#include "cpu/kernels/window_columns.h"
#include "ops/conv2d.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kMostRows = kRegisters >= 32 ? 3 : 1;  // of the kernel, in registers

// Gradients and winners of one output channel; `step` channels lie between windows.
struct Windows {
  const float* gradients;
  const uint16_t* winners;
  int64_t rows, columns, step;
  int lane;
};

// sums[R][K] of all lanes, for R kernel rows from the one that `x` begins with, in an image of one
// channel whose rows are `line` floats apart.
template <int R, int K>
__attribute__((noinline)) void add_windows(const float* x, int64_t line, const Windows& windows,
                                           float* sums) {
  const Windows w = windows;
  Vec acc[R][K];
  CONVNET_EACH(y, R)
    CONVNET_EACH(k, K) acc[y][k] = zero();
  const float* g = w.gradients;
  const uint16_t* winner = w.winners;
  for (int64_t py = 0; py < w.rows; ++py) {
    const float* corner[R + 1];
    CONVNET_EACH(y, R + 1) corner[y] = x + (2 * py + y) * line;
    for (int64_t px = 0; px < w.columns; ++px) {
      const Mask row = mask_of(winner[0] >> w.lane), column = mask_of(winner[1] >> w.lane);
      const Vec gradient = load(g);
      Vec above[K];
      CONVNET_EACH(y, R + 1) {
        Vec left = load(corner[y]);
        CONVNET_EACH(k, K) {
          const Vec right = load(corner[y] + (k + 1) * kLanes);
          const Vec chosen = select(column, right, left);
          if (y > 0) acc[y - 1][k] = fma(gradient, select(row, chosen, above[k]), acc[y - 1][k]);
          above[k] = chosen;
          left = right;
        }
        corner[y] += 2 * kLanes;
      }
      g += w.step * kLanes;
      winner += 2 * w.step;
    }
  }
  CONVNET_EACH(y, R)
    CONVNET_EACH(k, K) sums[y * K + k] = sum(acc[y][k]);
}

using AddWindows = void (*)(const float*, int64_t, const Windows&, float*);

AddWindows add_windows_of(int64_t rows, int64_t columns) {
  return with_columns(columns, [rows](auto of) -> AddWindows {
    constexpr int K = of();
    if constexpr (kMostRows > 1) {
      if (rows == 3) return add_windows<3, K>;
      if (rows == 2) return add_windows<2, K>;
    }
    return add_windows<1, K>;
  });
}

// One channel of x with zeros around it.
void pad(const Conv2dParams& p, const float* x, float* out) {
  for (int64_t y = 0; y < p.padded_height(); ++y)
    for (int64_t at = 0; at < p.padded_width(); ++at, out += kLanes) {
      const int64_t iy = y - p.top, ix = at - p.left;
      const bool inside = iy >= 0 && iy < p.H && ix >= 0 && ix < p.W;
      for (int64_t v = 0; v < kLanes; v += kWidth)
        store(out + v, inside ? load(x + (iy * p.W + ix) * p.C * kLanes + v) : zero());
    }
}

}  // namespace

void conv2d_pooled_weight(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  const int64_t rows = p.OH / 2, columns = p.OW / 2, windows = rows * columns * p.OC;
  float* dw = a.f32(3);
  if (!a.accumulate)
    for (int64_t s = 0; s < p.taps() * p.C; ++s)
      for (int64_t o = a.begin; o < a.end; ++o) dw[s * p.OC + o] = 0;
  float* padded = static_cast<float*>(a.scratch);
  const int64_t line = p.padded_width() * kLanes;
  for (int64_t outer = 0; outer < p.outer; ++outer)
    for (int64_t c = 0; c < p.C; ++c) {
      pad(p, a.f32(0) + (outer * p.H * p.W * p.C + c) * kLanes, padded);
      for (int64_t o = a.begin; o < a.end; ++o)
        for (int64_t ky = 0; ky < p.KH; ky += kMostRows) {
          const int64_t held = least(kMostRows, p.KH - ky);
          const AddWindows add = add_windows_of(held, p.KW);
          for (int v = 0; v < kVectors; ++v) {
            const int64_t at = outer * windows + o;
            float sums[kMostRows * 5];
            add(padded + ky * line + v * kWidth, line,
                {a.f32(1) + at * kLanes + v * kWidth, a.bits(2) + at * 2, rows, columns, p.OC,
                 v * kWidth},
                sums);
            for (int64_t t = 0; t < held * p.KW; ++t)
              dw[((ky * p.KW + t) * p.C + c) * p.OC + o] += sums[t];
          }
        }
    }
}

}  // namespace convnet::CONVNET_ISA
