// Convolution of one image to fewer channels than a vector has lanes: vectors hold channels of
// several pixels, as results lie in memory. After a period of P vectors a pixel begins with a
// vector again (see narrow_row.h). The inputs that a tap takes for the pixels of a period lie
// within one vector and are brought into place by a permutation.
#pragma once

#include "cpu/kernels/narrow_row.h"

namespace convnet::CONVNET_ISA {

constexpr int64_t kMostTaps = 64;
constexpr int kPackedVectors = 3;  // of a period, at most

// Pixels of a row: inputs of neighbours lie `x_step` floats apart.
struct PackedRow {
  const float *x, *w, *bias;  // w [taps][OC]; bias may be null
  float* y;
  int64_t x_step, OC, width;
  const int32_t* taps;
  int64_t tap_count;
  bool relu;
};

// Whether pixels can be packed so.
CONVNET_INLINE bool packs(int64_t OC, int64_t x_step, int64_t taps) {
  const int64_t P = period_of(OC);
  return taps <= kMostTaps && P <= kPackedVectors && (P * kWidth / OC - 1) * x_step < kWidth;
}

// Weights and biases for each lane of a period, and where lanes find their inputs.
template <int P>
struct Period {
  Vec w[kMostTaps][P], bias[P];
  Places inputs[P];
  int64_t pixels;

  explicit Period(const PackedRow& r) : pixels(P * kWidth / r.OC) {
    int32_t channel[P * kWidth], input[P * kWidth];
    for (int64_t i = 0, pixel = 0; pixel < pixels; ++pixel)
      for (int64_t c = 0; c < r.OC; ++c, ++i) {
        channel[i] = static_cast<int32_t>(c);
        input[i] = static_cast<int32_t>(pixel * r.x_step);
      }
    CONVNET_EACH(v, P) {
      inputs[v] = places_of(input + v * kWidth);
      const Places of_lane = places_of(channel + v * kWidth);
      bias[v] = r.bias ? pick(load_first(r.bias, r.OC), of_lane) : zero();
      for (int64_t t = 0; t < r.tap_count; ++t)
        w[t][v] = pick(load_first(r.w + t * r.OC, r.OC), of_lane);
    }
  }
};

// Two periods of pixels from `first` on, or as many as there are.
template <int P>
CONVNET_INLINE void two_periods(const Period<P>& period, const PackedRow& r, int64_t first) {
  Vec acc[2][P];
  const float* x[2];
  int64_t pixels[2], window[2];
  CONVNET_EACH(g, 2) {
    pixels[g] = most(0, least(period.pixels, r.width - first - g * period.pixels));
    window[g] = pixels[g] ? (pixels[g] - 1) * r.x_step + 1 : 0;
    x[g] = r.x + (first + g * period.pixels) * r.x_step;
    CONVNET_EACH(v, P) acc[g][v] = period.bias[v];
  }
  for (int64_t t = 0; t < r.tap_count; ++t)
    CONVNET_EACH(g, 2) {
      const Vec inputs = load_first(x[g] + r.taps[t], window[g]);
      CONVNET_EACH(v, P) acc[g][v] = fma(pick(inputs, period.inputs[v]), period.w[t][v], acc[g][v]);
    }
  const Vec least_value = set1(r.relu ? 0.0f : -HUGE_VALF);
  CONVNET_EACH(g, 2)
    CONVNET_EACH(v, P) {
      const int64_t n = most(0, least(kWidth, pixels[g] * r.OC - v * kWidth));
      store_first(r.y + (first + g * period.pixels) * r.OC + v * kWidth, n,
                  max(least_value, acc[g][v]));
    }
}

// `rows` rows whose inputs lie `x_row` floats apart, results `y_row`.
template <int P>
__attribute__((noinline)) void packed_rows(const PackedRow& first, int64_t rows, int64_t x_row,
                                           int64_t y_row) {
  const Period<P> period(first);
  PackedRow r = first;
  for (int64_t i = 0; i < rows; ++i, r.x += x_row, r.y += y_row)
    for (int64_t pixel = 0; pixel < r.width; pixel += 2 * period.pixels)
      two_periods<P>(period, r, pixel);
}

}  // namespace convnet::CONVNET_ISA
