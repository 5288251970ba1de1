// What recurrent layers do outside their sequential part: x W + b for all steps (also dz W^T, its
// gradient), dropout of the inputs, gradients of the weights.
#include "ops/rnn.h"

#include "cuda/gemm.h"

namespace convnet::cuda {

namespace {

struct PutWithBias {
  float* y;
  const float* bias;  // or null
  int64_t M;
  CONVNET_INLINE void operator()(int64_t, int64_t row, int64_t m, float sum) const {
    y[row * M + m] = bias ? sum + bias[m] : sum;
  }
};

__global__ void drop(const float* x, const float* mask, float* y, int64_t n, RnnDropoutParams p) {
  each_element(n, [&](int64_t i) { y[i] = x[i] * mask[i / (p.T * p.F) * p.F + i % p.F]; });
}

// The gradients of all weights are one product, whose summed index counts the steps of all
// sequences. On the left stand rows of x, of h, of `inner` where there is one, and of ones.
struct Left {
  const float *x, *h, *inner;
  RnnWeightParams p;

  __device__ __forceinline__ float operator()(int64_t m, int64_t k) const {
    if (m < p.F) return x[k * p.F + m];
    const int64_t sequence = k / p.T, time = k % p.T, step = p.go_backwards ? p.T - 1 - time : time;
    m -= p.F;
    if (m < p.H) return h[(sequence * p.h_rows + step) * p.row + m];
    m -= p.H;
    return inner && m < p.H ? inner[(sequence * p.T + step) * p.row + m] : 1.0f;
  }
};

// On the right stand columns of dz, and of `inner_dz` where there is one.
struct Right {
  const float *dz, *inner_dz;
  int64_t M, row;
  CONVNET_INLINE float operator()(int64_t k, int64_t n) const {
    return n < M ? dz[k * M + n] : inner_dz[k * row + n - M];
  }
};

// Keeps of all pairs of rows and columns those that are a weight's gradient.
struct PutGradients {
  float *dw, *du, *db;  // of a slice
  int64_t F, H, M, split, biases;
  bool has_inner, has_inner_dz;

  CONVNET_INLINE void operator()(int64_t slice, int64_t m, int64_t n, float sum) const {
    const bool after = n >= M;  // of inner_dz
    const int64_t column = after ? split + n - M : n;
    if (m < F) {
      if (!after) dw[(slice * F + m) * M + column] = sum;
      return;
    }
    const bool usual = after || column < split || !has_inner_dz;  // of what h has met
    m -= F;
    if (m < (has_inner ? 2 * H : H)) {
      const bool state = m < H, wanted = has_inner && column >= split ? !state : state;
      if (usual && wanted) du[(slice * H + m % H) * M + column] = sum;
      return;
    }
    float* rows = db + slice * biases * M;
    if (!after) rows[column] = sum;
    if (biases > 1 && usual) rows[M + column] = sum;
  }
};

struct WeightSums {
  int64_t left, steps, slices;  // rows on the left, of the sums, parts that they are cut in
  int64_t floats;               // of a slice

  WeightSums(const RnnWeightParams& p, int64_t samples)
      : left(p.F + 2 * p.H + 1),
        steps(samples * p.outer * p.T),
        slices(slices_of(left, p.M, steps)),
        floats((p.F + p.H + p.biases) * p.M) {}
};

}  // namespace

void rnn_project(const Call& a) {
  const auto& p = a.as<RnnProjectParams>();
  const Matrix weights = p.transpose ? Matrix{a.f32(1), 1, p.K} : Matrix{a.f32(1), p.M, 1};
  gemm(a.stream, a.samples * p.rows, p.M, p.K, Matrix{a.f32(0), p.K, 1}, weights,
       PutWithBias{a.f32(p.packed + 1), a.f32(2), p.M});
}

void rnn_dropout(const Call& a) {
  const auto& p = a.as<RnnDropoutParams>();
  const int64_t n = a.samples * p.outer * p.T * p.F;
  launch(drop, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(2), n, p);
}

void rnn_backward_weight(const Call& a) {
  const auto& p = a.as<RnnWeightParams>();
  const WeightSums sums(p, a.batch);
  const float *inner_dz = a.f32(1), *inner = a.f32(4);
  PutGradients put{a.f32(5), a.f32(6),         a.f32(7),           p.F, p.H, p.M, p.split,
                   p.biases, inner != nullptr, inner_dz != nullptr};
  if (sums.slices > 1) {
    put.dw = static_cast<float*>(a.scratch);
    put.du = put.dw + sums.slices * p.F * p.M;
    put.db = put.du + sums.slices * p.H * p.M;
  }
  const int64_t rows = p.F + (inner ? 2 : 1) * p.H + 1, columns = p.M + (inner_dz ? p.H : 0);
  gemm(a.stream, rows, columns, sums.steps, Left{a.f32(2), a.f32(3), inner, p},
       Right{a.f32(0), inner_dz, p.M, p.row}, put, sums.slices);
  if (sums.slices == 1) return;
  add_slices(a.stream, put.dw, a.f32(5), p.F * p.M, sums.slices);
  add_slices(a.stream, put.du, a.f32(6), p.H * p.M, sums.slices);
  add_slices(a.stream, put.db, a.f32(7), p.biases * p.M, sums.slices);
}
size_t rnn_backward_weight_scratch(const void* params, int64_t samples) {
  // A smaller batch takes no more slices.
  const auto& p = *static_cast<const RnnWeightParams*>(params);
  const WeightSums sums(p, samples);
  return static_cast<size_t>(sums.slices * sums.floats) * sizeof(float);
}

}  // namespace convnet::cuda
