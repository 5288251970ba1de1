// Launching kernels, on the GPU or in the emulation of it.
#pragma once

#include <algorithm>

#include "cpu/simd/vec.h"
#include "cuda/backend.h"

namespace convnet::cuda {

constexpr int kThreads = 256;  // of a block, where nothing else is said

inline int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

#ifdef CONVNET_CUDA_EMULATION

constexpr int64_t kMostBlocks = 4;  // of loops over elements

// Runs at once, or when the graph is replayed.
void enqueue(Stream stream, std::function<void()> work);

// With so many bytes of memory that the block's threads share.
template <class... Parameters, class... Arguments>
void launch_sharing(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared,
                    Stream stream, Arguments... arguments) {
  enqueue(stream, [=] { emulation::run(grid, block, shared, [=] { kernel(arguments...); }); });
}

#else

constexpr int64_t kMostBlocks = 4096;

template <class... Parameters, class... Arguments>
void launch_sharing(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared,
                    Stream stream, Arguments... arguments) {
  // More than what every GPU has must be asked for; the launch itself reports what cannot be had.
  if (shared > (size_t{48} << 10))
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                         static_cast<int>(shared));
  const auto on = static_cast<cudaStream_t>(stream);
  // clang-format off
  kernel<<<grid, block, shared, on>>>(arguments...);
  // clang-format on
}

#endif

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, Stream stream,
            Arguments... arguments) {
  launch_sharing(kernel, grid, block, 0, stream, arguments...);
}

// Blocks for a loop over n elements that begins and steps as `each_element` does.
inline dim3 blocks_for(int64_t n) {
  return dim3(static_cast<unsigned>(std::clamp<int64_t>(div_up(n, kThreads), 1, kMostBlocks)));
}

// A thread's elements of n.
template <class Body>
__device__ __forceinline__ void each_element(int64_t n, Body body) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) body(i);
}

// The same where what is done with an element is long or out of line: store(i, read(i)), of which
// four reads are on their way at a time.
template <class Read, class Store>
__device__ __forceinline__ void each_element_read(int64_t n, Read read, Store store) {
  constexpr int kAtOnce = 4;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  CONVNET_UNROLLED(1)
  for (int64_t first = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; first < n;
       first += kAtOnce * step) {
    decltype(read(first)) numbers[kAtOnce] = {};
    CONVNET_REGISTERS(e, kAtOnce)
      if (first + e * step < n) numbers[e] = read(first + e * step);
    CONVNET_REGISTERS(e, kAtOnce)
      if (first + e * step < n) store(first + e * step, numbers[e]);
  }
}

}  // namespace convnet::cuda
