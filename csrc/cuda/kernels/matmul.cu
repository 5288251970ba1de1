// Products of matrices and of stacks of them: a product for each slice of the grid.
#include "ops/matmul.h"

#include "cuda/gemm.h"
#include "cuda/strides.h"

namespace convnet::cuda {

namespace {

constexpr int64_t kMostProducts = 65535;  // of a launch

// An operand of the products from `first` on; product `i` is that of slice i, which sees numbers of
// the summed index from i * K on.
struct Stacked {
  const float* data;
  int64_t sample, outer, summed;  // floats from sample to sample, along either index
  int64_t first, K;
  int operand;
  Strides stack;

  CONVNET_INLINE float at(int64_t slice, int64_t i, int64_t k) const {
    const int64_t product = first + slice;
    return data[product / stack.size * sample + place_of(stack, operand, product % stack.size) +
                i * outer + (k - slice * K) * summed];
  }
};
struct Left {
  Stacked from;
  __device__ __forceinline__ float operator()(int64_t m, int64_t k) const {
    return from.at(blockIdx.z, m, k);
  }
};
struct Right {
  Stacked from;
  __device__ __forceinline__ float operator()(int64_t k, int64_t n) const {
    return from.at(blockIdx.z, n, k);
  }
};

}  // namespace

void matmul(const Call& a) {
  const auto& p = a.as<MatmulParams>();
  const bool one_matrix = p.stack.size == 1 && a.stride[1] == 0 && p.column_stride[0] == 1;
  if (one_matrix && p.row_stride[0] == p.K)
    return gemm(a.stream, a.samples * p.M, p.N, p.K, Matrix{a.f32(0), p.K, 1},
                Matrix{a.f32(1), p.row_stride[1], p.column_stride[1]}, PutSlice{a.f32(2), 0, p.N});
  const int64_t products = a.samples * p.stack.size;
  if (p.M == 0 || p.N == 0) return;
  for (int64_t first = 0; first < products; first += kMostProducts) {
    const int64_t count = std::min(products - first, kMostProducts);
    const Left left{
        {a.f32(0), a.stride[0], p.row_stride[0], p.column_stride[0], first, p.K, 0, p.stack}};
    const Right right{
        {a.f32(1), a.stride[1], p.column_stride[1], p.row_stride[1], first, p.K, 1, p.stack}};
    const dim3 grid(static_cast<unsigned>(div_up(p.N, kTile)),
                    static_cast<unsigned>(div_up(p.M, kTile)), static_cast<unsigned>(count));
    launch(gemm_tile<Left, Right, PutSlice>, grid, kThreads, a.stream, left, right,
           PutSlice{a.f32(2) + first * p.M * p.N, p.M, p.N}, p.M, p.N, count * p.K, p.K);
  }
}

}  // namespace convnet::cuda
