// Copies from device memory to the memory of a block that go on while the thread does: it ends
// groups of them, and waits for all but the latest groups.
#pragma once

#include "cuda/device.h"

namespace convnet::cuda {

#ifdef CONVNET_CUDA_EMULATION

template <int kBytes>
void copy_async(float* to, const float* from, bool inside) {
  emulation::copy_later(to, from, kBytes, inside);
}
inline void end_copies() { emulation::end_group(); }
template <int kLeft>
void wait_for_copies() {
  emulation::wait_for_groups(kLeft);
}

#else

// Of 4 bytes, or of 16 that are aligned on both sides; zeros where not `inside`.
template <int kBytes>
__device__ __forceinline__ void copy_async(float* to, const float* from, bool inside) {
  const unsigned place = static_cast<unsigned>(__cvta_generic_to_shared(to));
  const int bytes = inside ? kBytes : 0;
  if constexpr (kBytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(place), "l"(from), "r"(bytes)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(place), "l"(from),
                 "n"(kBytes), "r"(bytes)
                 : "memory");
}
__device__ __forceinline__ void end_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kLeft>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

#endif

}  // namespace convnet::cuda
