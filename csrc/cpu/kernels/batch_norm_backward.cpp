// Batch normalisation, backward. With z the normalised x and N the count of samples and rows,
// dx = gamma / deviation * (dy - sum(dy) / N - z * sum(dy * z) / N).
#include "cpu/kernels/batch_norm.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int64_t kRows = 64;  // of a block: sums run in blocks, so that their error stays small

// Sums over rows of dy and of dy * (x - mean), for N channels in the lanes of one vector.
template <int N>
CONVNET_INLINE void sums_of_lanes(const BatchNormParams& p, const float* x, const float* dy,
                                  const float* mean, Vec (&plain)[N], Vec (&product)[N]) {
  const int64_t pitch = p.channels * kLanes;
  CONVNET_EACH(c, N) plain[c] = product[c] = zero();
  for (int64_t begin = 0; begin < p.rows; begin += kRows) {
    Vec part[N], cross[N];
    CONVNET_EACH(c, N) part[c] = cross[c] = zero();
    for (int64_t r = begin; r < least(begin + kRows, p.rows); ++r)
      CONVNET_EACH(c, N) {
        const Vec g = load(dy + r * pitch + c * kLanes);
        part[c] = part[c] + g;
        cross[c] = fma(g, load(x + r * pitch + c * kLanes) - set1(mean[c]), cross[c]);
      }
    CONVNET_EACH(c, N) {
      plain[c] = plain[c] + part[c];
      product[c] = product[c] + cross[c];
    }
  }
}

}  // namespace

void batch_norm_backward_sums(const KernelArgs& a) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t live = a.live(a.shard());
  const float *mean = a.f32(p.mean), *variance = a.f32(p.mean + 1);
  float* out = a.f32(4);
  const auto work = [&]<int N>(int64_t first) {
    float plain[N] = {}, product[N] = {};
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = first * kLanes + v * kWidth;
      Vec sums[N], products[N];
      sums_of_lanes<N>(p, a.f32(0) + at, a.f32(1) + at, mean + first, sums, products);
      const Mask mask = live_mask(live, v * kWidth);
      for (int c = 0; c < N; ++c) {
        plain[c] += sum(keep(mask, sums[c]));
        product[c] += sum(keep(mask, products[c]));
      }
    }
    for (int c = 0; c < N; ++c) {
      const float deviation = __builtin_sqrtf(variance[first + c] + p.epsilon);
      out[first + c] = plain[c];
      out[p.channels + first + c] = product[c] / deviation;
    }
  };
  in_groups(a.begin * kBatchNormChannels, least(a.end * kBatchNormChannels, p.channels), work);
}

void batch_norm_backward_combine(const KernelArgs& a) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t end = least(a.end * kBatchNormCombined, p.channels);
  for (int64_t c = a.begin * kBatchNormCombined; c < end; ++c) {
    double plain = 0, product = 0;
    for (int64_t s = 0; s < a.step->shards; ++s) {
      const float* sums = a.f32(0) + s * a.stride[0];
      plain += sums[c];
      product += sums[p.channels + c];
    }
    a.f32(1)[c] = static_cast<float>(plain);
    a.f32(2)[c] = static_cast<float>(product);
  }
}

void batch_norm_backward_input(const KernelArgs& a) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t n = p.channels, pitch = round_up_lanes(n), live = a.live(a.shard());
  const float *gamma = a.f32(2), *mean = a.f32(3), *variance = a.f32(4);
  const Vec share = set1(1.0f / static_cast<float>(p.rows * a.step->batch));
  float *scale = static_cast<float*>(a.scratch), *offset = scale + pitch, *slope = offset + pitch;
  each_channel(scale, n, [&](int64_t c, int64_t left) {
    const Vec inverse = inverse_deviation(variance, c, left, p.epsilon);
    return gamma ? inverse * load_some(gamma + c, left) : inverse;
  });
  each_channel(offset, n,
               [&](int64_t c, int64_t left) { return load_some(a.f32(5) + c, left) * share; });
  each_channel(slope, n, [&](int64_t c, int64_t left) {
    const Vec inverse = inverse_deviation(variance, c, left, p.epsilon);
    return load_some(a.f32(6) + c, left) * share * inverse;
  });
  const int64_t end = least(a.end * p.rows_per_unit, p.rows);
  for (int64_t r = a.begin * p.rows_per_unit; r < end; ++r)
    for (int64_t c = 0; c < n; ++c)
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = (r * n + c) * kLanes + v * kWidth;
        const Vec centred = load(a.f32(0) + at) - set1(mean[c]);
        const Vec g = fnma(centred, set1(slope[c]), load(a.f32(1) + at) - set1(offset[c]));
        store(a.f32(7) + at, keep(live_mask(live, v * kWidth), g * set1(scale[c])));
      }
}

}  // namespace convnet::CONVNET_ISA
