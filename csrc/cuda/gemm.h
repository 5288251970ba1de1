// Matrix products C[M][N] = A[M][K] B[K][N] whose operands are functions of an index pair, so that
// transposed matrices and images seen through a kernel's window are read where they lie. Each
// element is summed in one chain over K, or in one for each of a fixed number of slices, which are
// then added in order: bits depend on shapes alone.
#pragma once

#include "cuda/launch.h"

namespace convnet::cuda {

constexpr int kTile = 64, kDepth = 16, kPerThread = 4;
constexpr int64_t kSlice = 4096;  // of K, below which it is not divided
constexpr int64_t kMostSlices = 64;

// Slices of K where the results alone would not fill a GPU.
inline int64_t slices_of(int64_t M, int64_t N, int64_t K) {
  const int64_t tiles = div_up(M, kTile) * div_up(N, kTile);
  return std::clamp<int64_t>(std::min(div_up(K, kSlice), div_up(256, std::max<int64_t>(tiles, 1))),
                             1, kMostSlices);
}

// A(m, k) and B(k, n) are called within bounds only; put(slice, m, n, sum).
template <class A, class B, class Put>
__global__ void __launch_bounds__(kThreads)
    gemm_tile(A a, B b, Put put, int64_t M, int64_t N, int64_t K, int64_t slice) {
  __shared__ float left[kDepth][kTile + 1], right[kDepth][kTile + 1];
  const int64_t row = int64_t{blockIdx.y} * kTile, column = int64_t{blockIdx.x} * kTile;
  const int64_t begin = int64_t{blockIdx.z} * slice;
  const int64_t end = begin + slice < K ? begin + slice : K;
  const int thread = static_cast<int>(threadIdx.x), tx = thread % 16, ty = thread / 16;
  float sum[kPerThread][kPerThread] = {};
  for (int64_t k = begin; k < end; k += kDepth) {
    for (int i = thread; i < kDepth * kTile; i += kThreads) {
      const int64_t depth = k + i % kDepth, m = row + i / kDepth;
      left[i % kDepth][i / kDepth] = depth < end && m < M ? a(m, depth) : 0.0f;
      const int64_t deep = k + i / kTile, n = column + i % kTile;
      right[i / kTile][i % kTile] = deep < end && n < N ? b(deep, n) : 0.0f;
    }
    __syncthreads();
    for (int d = 0; d < kDepth; ++d)
      for (int i = 0; i < kPerThread; ++i)
        for (int j = 0; j < kPerThread; ++j)
          sum[i][j] = fmaf(left[d][ty + 16 * i], right[d][tx + 16 * j], sum[i][j]);
    __syncthreads();
  }
  for (int i = 0; i < kPerThread; ++i)
    for (int j = 0; j < kPerThread; ++j) {
      const int64_t m = row + ty + 16 * i, n = column + tx + 16 * j;
      if (m < M && n < N) put(static_cast<int64_t>(blockIdx.z), m, n, sum[i][j]);
    }
}

template <class A, class B, class Put>
void gemm(Stream stream, int64_t M, int64_t N, int64_t K, A a, B b, Put put, int64_t slices = 1) {
  if (M == 0 || N == 0) return;
  const dim3 grid(static_cast<unsigned>(div_up(N, kTile)), static_cast<unsigned>(div_up(M, kTile)),
                  static_cast<unsigned>(slices));
  const int64_t slice = std::max<int64_t>(div_up(div_up(K, slices), kDepth) * kDepth, kDepth);
  launch(gemm_tile<A, B, Put>, grid, dim3(kThreads), stream, a, b, put, M, N, K, slice);
}

// Elements of a matrix, by rows or transposed.
struct Matrix {
  const float* data;
  int64_t row, column;  // floats from row to row, from column to column
  CONVNET_INLINE float operator()(int64_t i, int64_t j) const { return data[i * row + j * column]; }
};

// Stores a slice's sums, [slice][M][N].
struct PutSlice {
  float* data;
  int64_t M, N;
  CONVNET_INLINE void operator()(int64_t slice, int64_t m, int64_t n, float sum) const {
    data[(slice * M + m) * N + n] = sum;
  }
};

// out = the slices added in order.
void add_slices(Stream stream, const float* slices, float* out, int64_t n, int64_t count);

// C = A B where M and N are those of a weight's gradient and K is long: in slices that are kept in
// `scratch`.
template <class A, class B>
void gemm_of_sums(Stream stream, int64_t M, int64_t N, int64_t K, A a, B b, float* out,
                  void* scratch) {
  const int64_t slices = slices_of(M, N, K);
  float* sums = slices > 1 ? static_cast<float*>(scratch) : out;
  gemm(stream, M, N, K, a, b, PutSlice{sums, M, N}, slices);
  if (slices > 1) add_slices(stream, sums, out, M * N, slices);
}
inline size_t scratch_of_sums(int64_t M, int64_t N, int64_t K) {
  const int64_t slices = slices_of(M, N, K);
  return slices > 1 ? static_cast<size_t>(slices * M * N) * sizeof(float) : 0;
}

}  // namespace convnet::cuda
