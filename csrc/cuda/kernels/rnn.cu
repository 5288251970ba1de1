// What recurrent layers do outside their sequential part: x W + b for all steps (also dz W^T, its
// gradient), dropout of the inputs, gradients of the weights.
#include "ops/rnn.h"

#include "cuda/kernels/rnn_state.h"
#include "cuda/matrix.h"

namespace convnet::cuda {

namespace {

__global__ void transpose(const float* from, float* to, int64_t H, int64_t G) {
  each_element(G * H * H, [&](int64_t i) {
    const auto [rest, unit] = divide(i, H);
    to[i] = from[unit * G * H + rest];
  });
}

__global__ void drop(const float* x, const float* mask, float* y, int64_t n, RnnDropoutParams p) {
  each_element(n, [&](int64_t i) {
    const auto [row, feature] = divide(i, p.F);
    y[i] = x[i] * mask[divide(row, p.T).quotient * p.F + feature];
  });
}

// The gradients of all weights are one product, whose summed index counts the steps of all
// sequences. On the left stand rows of x, of h, of `inner` where there is one, and of ones.
__device__ alignas(16) const float kOnes[4] = {1.0f, 1.0f, 1.0f, 1.0f};

bool aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

struct Left {
  static constexpr bool kAlong = false;
  bool vector;
  const float* data;  // x
  const float *h, *inner;
  Divisor steps;
  int64_t F, H, row;
  int h_rows;
  bool go_backwards;

  struct Line {
    const float* first;
    int64_t pitch;  // floats from step to step; 0 where it is always the same
    int rows;       // of a sequence where steps are in the order of processing; else 0
  };

  CONVNET_INLINE Left of(int) const { return *this; }
  __device__ __forceinline__ Line line(int64_t m) const {
    if (m < F) return {data + m, F, 0};
    m -= F;
    if (m < H) return {h + m, row, h_rows};
    m -= H;
    if (inner && m < H) return {inner + m, row, steps.divisor()};
    return {kOnes, 0, 0};
  }
  __device__ __forceinline__ bool at(const Line& line, int k, const float*& p) const {
    if (line.rows) {
      int time;
      const int64_t sequence = steps.divide(k, time);
      k = go_backwards ? steps.divisor() - 1 - time : time;
      p = line.first + (sequence * line.rows + k) * line.pitch;
    } else {
      p = line.first + k * line.pitch;
    }
    return true;
  }
};

// On the right stand columns of dz, and of `inner_dz` where there is one.
struct Right {
  static constexpr bool kAlong = false;
  bool vector;
  const float* data;  // dz
  const float* inner_dz;
  int64_t M, row;

  struct Line {
    const float* first;
    int64_t pitch;
  };

  CONVNET_INLINE Right of(int) const { return *this; }
  CONVNET_INLINE Line line(int64_t n) const {
    return n < M ? Line{data + n, M} : Line{inner_dz + n - M, row};
  }
  CONVNET_INLINE bool at(const Line& line, int k, const float*& p) const {
    p = line.first + k * line.pitch;
    return true;
  }
};

// Keeps of all pairs of rows and columns those that are a weight's gradient.
struct PutGradients {
  static constexpr bool vector = false;
  float *dw, *du, *db;  // of a slice
  int64_t F, H, M, split, biases;
  bool has_inner, has_inner_dz;

  CONVNET_INLINE void operator()(int, int64_t slice, int64_t m, int64_t n,
                                 const float* sums) const {
    const float sum = *sums;
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
      if (usual && wanted) du[(slice * H + (state ? m : m - H)) * M + column] = sum;
      return;
    }
    float* rows = db + slice * biases * M;
    if (!after) rows[column] = sum;
    if (biases > 1 && usual) rows[M + column] = sum;
  }
};

}  // namespace

template <>
constexpr Tiles kTilesOf<Left, Right> = Tiles::most;

void transpose_recurrent(Stream stream, const float* from, float* to, int64_t H, int64_t G) {
  launch(transpose, blocks_for(G * H * H), kThreads, stream, from, to, H, G);
}

namespace {

int64_t steps_of(const RnnWeightParams& p, int64_t samples) { return samples * p.outer * p.T; }

}  // namespace

void rnn_project(const Call& a) {
  const auto& p = a.as<RnnProjectParams>();
  const Matrix weights = p.transpose ? Matrix{a.f32(1), p.K, 1} : Matrix{a.f32(1), 1, p.M};
  multiply(a, a.scratch, {a.samples * p.rows, p.M, p.K}, {a.f32(0), p.K, 1}, weights,
           Output(a.f32(p.packed + 1), a.f32(2), p.M, p.M, Activation::linear));
}
size_t rnn_project_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const RnnProjectParams*>(params);
  return gemm_scratch({samples * p.rows, p.M, p.K});
}

void rnn_dropout(const Call& a) {
  const auto& p = a.as<RnnDropoutParams>();
  const int64_t n = a.samples * p.outer * p.T * p.F;
  launch(drop, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(2), n, p);
}

void rnn_backward_weight(const Call& a) {
  const auto& p = a.as<RnnWeightParams>();
  const float *dz = a.f32(0), *inner_dz = a.f32(1), *x = a.f32(2), *h = a.f32(3), *inner = a.f32(4);
  PutGradients put{a.f32(5), a.f32(6),         a.f32(7),           p.F, p.H, p.M, p.split,
                   p.biases, inner != nullptr, inner_dz != nullptr};
  const int64_t rows = p.F + (inner ? 2 : 1) * p.H + 1, columns = p.M + (inner_dz ? p.H : 0);
  const Shape shape{rows, columns, steps_of(p, a.batch)};
  // db may have two rows.
  const Plan plan = plan_of({rows + 1, columns, shape.K}, a.products, kTilesOf<Left, Right>);
  const int slices = plan.slices.count;
  if (slices > 1) {
    put.dw = static_cast<float*>(a.scratch);
    put.du = put.dw + slices * p.F * p.M;
    put.db = put.du + slices * p.H * p.M;
  }
  const Left left{(p.F | p.H | p.row) % 4 == 0 && aligned(x) && aligned(h) && aligned(inner),
                  x,
                  h,
                  inner,
                  Divisor(p.T),
                  p.F,
                  p.H,
                  p.row,
                  static_cast<int>(p.h_rows),
                  p.go_backwards};
  const Right right{(p.M | p.H | p.row) % 4 == 0 && aligned(dz) && aligned(inner_dz), dz, inner_dz,
                    p.M, p.row};
  gemm(a.stream, plan, shape, left, right, put);
  if (slices == 1) return;
  add_slices(a.stream, put.dw, a.f32(5), p.F * p.M, slices);
  add_slices(a.stream, put.du, a.f32(6), p.H * p.M, slices);
  add_slices(a.stream, put.db, a.f32(7), p.biases * p.M, slices);
}
size_t rnn_backward_weight_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const RnnWeightParams*>(params);
  return gemm_scratch({p.F + 2 * p.H + 2, p.M + p.H, steps_of(p, samples)});
}

}  // namespace convnet::cuda
