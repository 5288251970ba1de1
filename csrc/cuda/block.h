// Sums over the threads of a block, in a fixed order.
#pragma once

#include "cuda/launch.h"

namespace convnet::cuda {

constexpr int kWarp = 32;

// The sum, or what `add` makes of all, of a value of each thread of a warp; all of them get it.
template <class T, class Add>
__device__ __forceinline__ T over_warp(T value, Add add) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = add(value, __shfl_xor_sync(~0u, value, offset));
  return value;
}

// The same of what each warp of a block of kThreads threads has.
template <class T, class Add>
__device__ __forceinline__ T over_warps(T value, Add add) {
  __shared__ T warps[kThreads / kWarp];
  if (threadIdx.x % kWarp == 0) warps[threadIdx.x / kWarp] = value;
  __syncthreads();
  T total = warps[0];
  for (int w = 1; w < kThreads / kWarp; ++w) total = add(total, warps[w]);
  __syncthreads();  // `warps` may be written again
  return total;
}

template <class T, class Add>
__device__ __forceinline__ T over_block(T value, Add add) {
  return over_warps(over_warp(value, add), add);
}

template <class T>
__device__ __forceinline__ T sum_over_block(T value) {
  return over_block(value, [](T a, T b) { return a + b; });
}

// Rows that are dealt to blocks, one after the other.
template <class Body>
__device__ __forceinline__ void each_row_of_block(int64_t rows, Body body) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) body(row);
}
inline dim3 blocks_for_rows(int64_t rows) {
  return dim3(static_cast<unsigned>(std::clamp<int64_t>(rows, 1, 65535)));
}

}  // namespace convnet::cuda
