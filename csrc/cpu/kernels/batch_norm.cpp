// Batch normalisation, forward. Moments are taken in two passes over blocks of rows that stay in
// the first-level cache, lane by lane; blocks, lanes and shards are merged as Chan, Golub and
// LeVeque (1979) do, always in the same order.
#include "cpu/kernels/batch_norm.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int64_t kRows = 32;  // of a block

// Mean and sum of squared differences of N channels in each lane of one vector, over all rows.
template <int N>
CONVNET_INLINE void moments_of_lanes(const BatchNormParams& p, const float* x, Vec (&mean)[N],
                                     Vec (&square)[N]) {
  CONVNET_EACH(c, N) mean[c] = square[c] = zero();
  const int64_t pitch = p.channels * kLanes;
  for (int64_t begin = 0; begin < p.rows; begin += kRows) {
    const int64_t end = least(begin + kRows, p.rows);
    const float share = 1.0f / static_cast<float>(end - begin);
    const float weight = static_cast<float>(end - begin) / static_cast<float>(end);
    Vec centre[N], part[N];
    CONVNET_EACH(c, N) centre[c] = part[c] = zero();
    for (int64_t r = begin; r < end; ++r)
      CONVNET_EACH(c, N) centre[c] = centre[c] + load(x + r * pitch + c * kLanes);
    CONVNET_EACH(c, N) centre[c] = centre[c] * set1(share);
    for (int64_t r = begin; r < end; ++r)
      CONVNET_EACH(c, N) {
        const Vec d = load(x + r * pitch + c * kLanes) - centre[c];
        part[c] = fma(d, d, part[c]);
      }
    CONVNET_EACH(c, N) {
      const Vec gap = centre[c] - mean[c];
      mean[c] = fma(gap, set1(weight), mean[c]);
      square[c] = square[c] + fma(gap * gap, set1(weight * static_cast<float>(begin)), part[c]);
    }
  }
}

// Numbers of N channels in 16 lanes.
template <int N>
struct Lanes {
  float at[N][kLanes];

  CONVNET_INLINE void put(int v, const Vec (&x)[N]) {
    CONVNET_EACH(c, N) store(at[c] + v * kWidth, x[c]);
  }
};

}  // namespace

void batch_norm_moments(const KernelArgs& a) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t live = a.live(a.shard());
  float* out = a.f32(1);
  const auto work = [&]<int N>(int64_t first) {
    Lanes<N> means, squares;
    for (int v = 0; v < kVectors; ++v) {
      Vec mean[N], square[N];
      moments_of_lanes<N>(p, a.f32(0) + first * kLanes + v * kWidth, mean, square);
      means.put(v, mean);
      squares.put(v, square);
    }
    for (int c = 0; c < N; ++c) {
      double mean = 0, square = 0, spread = 0;
      for (int64_t l = 0; l < live; ++l) mean += means.at[c][l];
      mean /= static_cast<double>(live);
      for (int64_t l = 0; l < live; ++l) {
        const double gap = means.at[c][l] - mean;
        square += squares.at[c][l];
        spread += gap * gap;
      }
      out[first + c] = static_cast<float>(mean);
      out[p.channels + first + c] =
          static_cast<float>(square + static_cast<double>(p.rows) * spread);
    }
  };
  in_groups(a.begin * kBatchNormChannels, least(a.end * kBatchNormChannels, p.channels), work);
}

void batch_norm_combine(const KernelArgs& a) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t end = least(a.end * kBatchNormCombined, p.channels);
  const double rows = static_cast<double>(p.rows),
               count = rows * static_cast<double>(a.step->batch);
  for (int64_t c = a.begin * kBatchNormCombined; c < end; ++c) {
    const float *means = a.f32(0) + c, *squares = means + p.channels;
    double mean = 0, square = 0;
    for (int64_t s = 0; s < a.step->shards; ++s)
      mean += rows * static_cast<double>(a.live(s)) * means[s * a.stride[0]];
    mean /= count;
    for (int64_t s = 0; s < a.step->shards; ++s) {
      const double gap = means[s * a.stride[0]] - mean;
      square += squares[s * a.stride[0]] + rows * static_cast<double>(a.live(s)) * gap * gap;
    }
    a.f32(1)[c] = static_cast<float>(mean);
    a.f32(2)[c] = static_cast<float>(square / count);
  }
}

void batch_norm_update(const KernelArgs& a) {
  const auto& p = a.as<BatchNormUpdateParams>();
  for (int i = 0; i < 2; ++i)
    for (int64_t c = 0; c < p.channels; ++c) {
      float& moving = a.f32(2 + i)[c];
      moving = moving * p.momentum + a.f32(i)[c] * (1.0f - p.momentum);
    }
}

namespace {

// y = (x - mean) * scale + shift over the rows at hand; mean and shift may be absent.
void normalise(const KernelArgs& a, float* y) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t n = p.channels, pitch = round_up_lanes(n);
  const float *x = a.f32(0), *gamma = a.f32(1), *beta = a.f32(2), *mean = a.f32(p.mean);
  float *scale = static_cast<float*>(a.scratch), *centre = scale + pitch, *shift = centre + pitch;
  each_channel(scale, n, [&](int64_t c, int64_t left) {
    const Vec inverse = inverse_deviation(a.f32(p.mean + 1), c, left, p.epsilon);
    return gamma ? inverse * load_some(gamma + c, left) : inverse;
  });
  const auto copy = [&](const float* from) {
    return [=](int64_t c, int64_t left) { return from ? load_some(from + c, left) : zero(); };
  };
  each_channel(centre, n, copy(mean));
  each_channel(shift, n, copy(beta));
  const int64_t end = least(a.end * p.rows_per_unit, p.rows);
  for (int64_t r = a.begin * p.rows_per_unit; r < end; ++r) {
    const float* in = x + r * n * a.lanes;
    float* out = y + r * n * a.lanes;
    if (a.lanes == 1) {
      each_channel(out, n, [&](int64_t c, int64_t left) {
        return fma(load_some(in + c, left) - load(centre + c), load(scale + c), load(shift + c));
      });
      continue;
    }
    for (int64_t c = 0; c < n; ++c)
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = c * kLanes + v * kWidth;
        store(out + at, fma(load(in + at) - set1(centre[c]), set1(scale[c]), set1(shift[c])));
      }
  }
}

}  // namespace

void batch_norm_inference(const KernelArgs& a) { normalise(a, a.f32(5)); }

void batch_norm_train(const KernelArgs& a) { normalise(a, a.f32(7)); }

}  // namespace convnet::CONVNET_ISA
