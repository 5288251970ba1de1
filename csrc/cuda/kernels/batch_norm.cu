// Batch normalisation. A block sums 32 channels of a sample: 8 threads share a channel's rows.
#include "ops/batch_norm.h"

#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

constexpr int kChannels = 32, kShares = kThreads / kChannels;

struct Pair {
  float first, second;
};

// The sums of the pairs of all threads of a channel, which each of them gets.
__device__ __forceinline__ Pair over_shares(Pair mine) {
  __shared__ Pair all[kShares][kChannels];
  const unsigned channel = threadIdx.x % kChannels;
  all[threadIdx.x / kChannels][channel] = mine;
  __syncthreads();
  Pair sum = all[0][channel];
  for (int i = 1; i < kShares; ++i)
    sum.first += all[i][channel].first, sum.second += all[i][channel].second;
  __syncthreads();  // `all` may be written again
  return sum;
}

// Where a block works: 32 channels of a sample. body(offset) for rows of this thread.
struct Part {
  int64_t sample, channel;
  bool inside;

  __device__ explicit Part(const BatchNormParams& p)
      : sample(blockIdx.x),
        channel(int64_t{blockIdx.y} * kChannels + threadIdx.x % kChannels),
        inside(channel < p.channels) {}
  template <class Body>
  __device__ __forceinline__ void rows(const BatchNormParams& p, Body body) const {
    if (!inside) return;
    for (int64_t r = threadIdx.x / kChannels; r < p.rows; r += kShares)
      body((sample * p.rows + r) * p.channels + channel);
  }
  __device__ void put(const BatchNormParams& p, float* out, Pair result) const {
    if (!inside || threadIdx.x >= kChannels) return;
    out[sample * 2 * p.channels + channel] = result.first;
    out[(sample * 2 + 1) * p.channels + channel] = result.second;
  }
};

// Around a first mean, whose own error is then taken out.
__global__ void moments(const float* x, float* out, BatchNormParams p) {
  const Part part(p);
  const float count = static_cast<float>(p.rows);
  Pair sums{0, 0};
  part.rows(p, [&](int64_t i) { sums.first += x[i]; });
  const float centre = over_shares(sums).first / count;
  sums = {0, 0};
  part.rows(p, [&](int64_t i) {
    const float gap = x[i] - centre;
    sums.first += gap, sums.second = fmaf(gap, gap, sums.second);
  });
  sums = over_shares(sums);
  const float error = sums.first / count;
  part.put(p, out, {centre + error, fmaf(-sums.first, error, sums.second)});
}

__global__ void backward_sums(const float* x, const float* dy, const float* mean,
                              const float* variance, float* out, BatchNormParams p) {
  const Part part(p);
  const float centre = part.inside ? mean[part.channel] : 0.0f;
  const float deviation = sqrtf((part.inside ? variance[part.channel] : 0.0f) + p.epsilon);
  Pair sums{0, 0};
  part.rows(p, [&](int64_t i) {
    sums.first += dy[i], sums.second = fmaf(dy[i], x[i] - centre, sums.second);
  });
  sums = over_shares(sums);
  part.put(p, out, {sums.first, sums.second / deviation});
}

// The sum over samples of value(sample), for a warp.
template <class Value>
__device__ __forceinline__ double over_samples(int64_t samples, Value value) {
  double sum = 0;
  for (int64_t s = threadIdx.x % 32; s < samples; s += 32) sum += value(s);
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
  return sum;
}

// A warp for each channel. Means and squares of samples become those of the batch (Chan, Golub and
// LeVeque, 1979); other sums are added.
template <bool of_moments>
__global__ void combine(const float* parts, float* first, float* second, int64_t samples,
                        BatchNormParams p) {
  const int64_t channel = int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32;
  if (channel >= p.channels) return;
  const auto part = [&](int64_t s, int64_t i) {
    return static_cast<double>(parts[(s * 2 + i) * p.channels + channel]);
  };
  double a = over_samples(samples, [&](int64_t s) { return part(s, 0); });
  double b = 0;
  if constexpr (of_moments) {
    const double rows = static_cast<double>(p.rows), count = static_cast<double>(samples);
    a /= count;
    b = over_samples(samples,
                     [&](int64_t s) {
                       const double gap = part(s, 0) - a;
                       return part(s, 1) + rows * gap * gap;
                     }) /
        (rows * count);
  } else {
    b = over_samples(samples, [&](int64_t s) { return part(s, 1); });
  }
  if (threadIdx.x % 32) return;
  first[channel] = static_cast<float>(a);
  second[channel] = static_cast<float>(b);
}

__global__ void update(const float* mean, const float* variance, float* moving_mean,
                       float* moving_variance, BatchNormUpdateParams p) {
  each_element(p.channels, [&](int64_t c) {
    moving_mean[c] = moving_mean[c] * p.momentum + mean[c] * (1.0f - p.momentum);
    moving_variance[c] = moving_variance[c] * p.momentum + variance[c] * (1.0f - p.momentum);
  });
}

struct Weights {
  const float *gamma, *beta, *mean, *variance;  // all but the last may be null

  CONVNET_INLINE float inverse(int64_t c, float epsilon) const {
    return 1.0f / sqrtf(variance[c] + epsilon);
  }
  CONVNET_INLINE float scale(int64_t c, float epsilon) const {
    return gamma ? inverse(c, epsilon) * gamma[c] : inverse(c, epsilon);
  }
};

__global__ void normalise(const float* x, Weights w, float* y, int64_t n, BatchNormParams p) {
  each_element(n, [&](int64_t i) {
    const int64_t c = i % p.channels;
    const float centred = w.mean ? x[i] - w.mean[c] : x[i];
    y[i] = fmaf(centred, w.scale(c, p.epsilon), w.beta ? w.beta[c] : 0.0f);
  });
}

__global__ void backward_input(const float* x, const float* dy, Weights w, const float* plain,
                               const float* product, float* dx, int64_t n, float share,
                               BatchNormParams p) {
  each_element(n, [&](int64_t i) {
    const int64_t c = i % p.channels;
    const float slope = product[c] * share * w.inverse(c, p.epsilon);
    const float g = fmaf(w.mean[c] - x[i], slope, dy[i] - plain[c] * share);
    dx[i] = g * w.scale(c, p.epsilon);
  });
}

dim3 parts(const Call& a, const BatchNormParams& p) {
  return dim3(static_cast<unsigned>(a.samples),
              static_cast<unsigned>(div_up(p.channels, kChannels)));
}

void normalise_all(const Call& a, float* y) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t n = a.samples * p.rows * p.channels;
  launch(normalise, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         Weights{a.f32(1), a.f32(2), a.f32(p.mean), a.f32(p.mean + 1)}, y, n, p);
}

template <bool of_moments>
void combine_all(const Call& a) {
  const auto& p = a.as<BatchNormParams>();
  const dim3 grid(static_cast<unsigned>(div_up(p.channels, kThreads / 32)));
  launch(combine<of_moments>, grid, kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         a.f32(1), a.f32(2), a.batch, p);
}

}  // namespace

void batch_norm_moments(const Call& a) {
  const auto& p = a.as<BatchNormParams>();
  launch(moments, parts(a, p), kThreads, a.stream, static_cast<const float*>(a.f32(0)), a.f32(1),
         p);
}

void batch_norm_combine(const Call& a) { combine_all<true>(a); }
void batch_norm_backward_combine(const Call& a) { combine_all<false>(a); }

void batch_norm_update(const Call& a) {
  const auto& p = a.as<BatchNormUpdateParams>();
  launch(update, blocks_for(p.channels), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(2), a.f32(3), p);
}

void batch_norm_inference(const Call& a) { normalise_all(a, a.f32(5)); }
void batch_norm_train(const Call& a) { normalise_all(a, a.f32(7)); }

void batch_norm_backward_sums(const Call& a) {
  const auto& p = a.as<BatchNormParams>();
  launch(backward_sums, parts(a, p), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), static_cast<const float*>(a.f32(p.mean)),
         static_cast<const float*>(a.f32(p.mean + 1)), a.f32(4), p);
}

void batch_norm_backward_input(const Call& a) {
  const auto& p = a.as<BatchNormParams>();
  const int64_t n = a.samples * p.rows * p.channels;
  const float share = 1.0f / static_cast<float>(p.rows * a.batch);
  launch(backward_input, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), Weights{a.f32(2), nullptr, a.f32(3), a.f32(4)},
         static_cast<const float*>(a.f32(5)), static_cast<const float*>(a.f32(6)), a.f32(7), n,
         share, p);
}

}  // namespace convnet::cuda
