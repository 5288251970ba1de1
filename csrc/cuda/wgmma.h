// Products of matrices by a warpgroup, four warps, on the tensor cores of Hopper: d [64][128] +=
// a [64][8] b [8][128], operands in TF32 (10 bits of mantissa; what lies below is not looked at),
// sums in float32. b is read from the memory that the block shares. The products go on while the
// threads do: these end groups of them, and wait for all but the latest. Until then neither a nor d
// may be touched, nor what b lies in; and whoever wrote there calls `show_to_wgmma` before the
// barrier behind which it is read.
//
// With w the warp of the warpgroup, g = lane / 4 and t = lane % 4, a lane has a = {(g, t),
// (g + 8, t), (g, t + 4), (g + 8, t + 4)} and d[4 j + i] = {(g, 2t), (g, 2t + 1), (g + 8, 2t),
// (g + 8, 2t + 1)}, each (row - 16 w, column - 8 j).
//
// b lies column by column, 16 numbers of each, from a place whose address is a multiple of 512
// bytes: the four groups of four trade places from one pair of columns to the next ("swizzle of 64
// bytes"), so that neither they who write nor they who read meet a bank twice.
#pragma once

#include <cstdint>

#include "cuda/device.h"

#ifdef CONVNET_CUDA_EMULATION
#include "cuda/emulation/wgmma.h"
#endif

// Where the chip has it. Other code of a kernel that uses it would only take room elsewhere.
#if defined(CONVNET_CUDA_EMULATION) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define CONVNET_WGMMA 1
#endif

namespace convnet::cuda {

constexpr int kSwizzled = 512;  // bytes after which the pattern repeats
constexpr int kWgmmaDepth = 8, kWgmmaColumns = 128;

// Where number k of a line of 16 lies.
__device__ __forceinline__ int swizzled_place(int line, int k) {
  return line * 16 + ((k / 4) ^ (line / 2 % 4)) * 4 + k % 4;
}

#ifdef CONVNET_CUDA_EMULATION

using emulation::shared_address;
inline void show_to_wgmma() { emulation::show_to_wgmma(); }
inline void wgmma_begin() { emulation::wgmma_begin(); }
inline void wgmma(float (&d)[64], const float (&a)[4], uint64_t b) { emulation::wgmma(d, a, b); }
inline void wgmma_end() { emulation::wgmma_end(); }
template <int kLeft>
void wgmma_wait() {
  emulation::wgmma_wait(kLeft);
}
template <int n>
void wgmma_hold(float (&)[n]) {}

#elif defined(CONVNET_WGMMA)

__device__ __forceinline__ unsigned shared_address(const float* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}
__device__ __forceinline__ void show_to_wgmma() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
// Before products whose registers were written otherwise.
__device__ __forceinline__ void wgmma_begin() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_end() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kLeft>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kLeft) : "memory");
}
// Registers that the compiler shall not use for anything else, nor move, up to here.
template <int n>
__device__ __forceinline__ void wgmma_hold(float (&x)[n]) {
  CONVNET_REGISTERS(i, n) asm volatile("" : "+f"(x[i])::"memory");
}

#define CONVNET_EIGHT(d, i)                                                                   \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])
__device__ __forceinline__ void wgmma(float (&d)[64], const float (&a)[4], uint64_t b) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k8.f32.tf32.tf32 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "{%64, %65, %66, %67}, %68, add, 1, 1;\n"
      "}"
      : CONVNET_EIGHT(d, 0), CONVNET_EIGHT(d, 8), CONVNET_EIGHT(d, 16), CONVNET_EIGHT(d, 24),
        CONVNET_EIGHT(d, 32), CONVNET_EIGHT(d, 40), CONVNET_EIGHT(d, 48), CONVNET_EIGHT(d, 56)
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
        "r"(__float_as_uint(a[3])), "l"(b));
}
#undef CONVNET_EIGHT

#endif

#ifdef CONVNET_WGMMA
// What tells wgmma where b lies, as the PTX ISA's matrix descriptor has it: address, distance of
// groups of eight columns, and the swizzle of 64 bytes. The next 8 numbers of the columns are at
// kWgmmaNext more.
__device__ __forceinline__ uint64_t wgmma_operand(const float* b) {
  constexpr uint64_t kUnused = 1, kEightColumns = 8 * 16 * sizeof(float), kSwizzle64 = 2;
  return uint64_t{(shared_address(b) & 0x3ffff) >> 4} | kUnused << 16 | kEightColumns >> 4 << 32 |
         kSwizzle64 << 62;
}
constexpr uint64_t kWgmmaNext = kWgmmaDepth * sizeof(float) >> 4;
#endif

}  // namespace convnet::cuda
