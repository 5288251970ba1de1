// The CUDA execution model on the host, for tests: blocks one after the other, the threads of a
// block as fibers that change at barriers and warp shuffles. Kernels compile unchanged; what they
// index and compute is checked where there is no GPU.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#define CONVNET_REGISTERS(i, n) for (int i = 0; i < (n); ++i)
#define CONVNET_UNROLLED(n)
#define __shared__ static  // blocks run one after the other, on one thread
#define CONVNET_CALLED inline __attribute__((noinline))
#define CONVNET_PARAMETER const
#define CONVNET_SHARED_FLOATS(name) float* const name = convnet::cuda::emulation::shared_memory

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};

namespace convnet::cuda::emulation {

// Of the fiber that runs.
extern uint3 thread, block;
extern dim3 block_size, grid_size;

void barrier();       // waits for the threads of the block that have not returned
void warp_barrier();  // the same for the warp
// The value that a lane of this warp passes; all lanes take part.
uint64_t exchange(uint64_t value, int lane);
uint32_t ballot(bool vote);  // a bit for each lane of this warp

// What every lane of this warp shows, `bytes` of each, one after the other, until the next time.
const void* show(const void* mine, size_t bytes);

// Copies of this thread that are under way, as groups: they are made when the thread waits for
// them, no sooner, so that what is read too early shows. With CONVNET_EMULATION_EARLY_COPIES in the
// environment they are made at once, so that what is overwritten too early shows.
void copy_later(void* to, const void* from, size_t bytes, bool inside);  // else zeros
void end_group();
void wait_for_groups(unsigned left);  // until so many of the latest are under way

// Memory of the block that the launch asks for; full of NaNs when the block begins.
constexpr size_t kSharedMemory = size_t{227} << 10;
extern float shared_memory[kSharedMemory / sizeof(float)];

// Runs `body` for all threads of all blocks. One launch at a time.
void run(dim3 grid, dim3 block, size_t shared, const std::function<void()>& body);

template <class T>
T shuffle(T value, int lane) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(bits, lane);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
inline int lane() {
  return static_cast<int>((thread.x + block_size.x * (thread.y + block_size.y * thread.z)) % 32);
}

}  // namespace convnet::cuda::emulation

#define threadIdx convnet::cuda::emulation::thread
#define blockIdx convnet::cuda::emulation::block
#define blockDim convnet::cuda::emulation::block_size
#define gridDim convnet::cuda::emulation::grid_size

inline void __syncthreads() { convnet::cuda::emulation::barrier(); }
inline void __syncwarp(unsigned = ~0u) { convnet::cuda::emulation::warp_barrier(); }
template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  return convnet::cuda::emulation::shuffle(value, lane);
}
inline uint32_t __ballot_sync(unsigned, bool vote) {
  return convnet::cuda::emulation::ballot(vote);
}
inline int __ffs(int bits) { return __builtin_ffs(bits); }
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return convnet::cuda::emulation::shuffle(value, convnet::cuda::emulation::lane() ^ mask);
}
template <class T>
T __shfl_down_sync(unsigned, T value, int delta) {
  const int from = convnet::cuda::emulation::lane() + delta;
  return convnet::cuda::emulation::shuffle(value, from < 32 ? from : from - delta);
}
