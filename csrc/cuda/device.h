// CUDA, or on the host what stands for it in tests.
#pragma once

#ifdef CONVNET_CUDA_EMULATION
#include "cuda/emulation/emulation.h"
#else
#include <cuda_runtime.h>
// A loop over what shall be in registers.
#define CONVNET_REGISTERS(i, n) _Pragma("unroll") for (int i = 0; i < (n); ++i)
// Before a loop: that it is unrolled so many times.
#define CONVNET_UNROLLED(n) CONVNET_PRAGMA(unroll n)
#define CONVNET_PRAGMA(text) _Pragma(#text)
// Floats that the threads of a block share, as many as the launch asks for.
#define CONVNET_SHARED_FLOATS(name) extern __shared__ __align__(16) float name[]
// A function of the device that is called, not written where it is used: long, or used often.
#define CONVNET_CALLED __device__ inline __attribute__((noinline))
// Of a kernel: a parameter that functions out of line read where it lies.
#define CONVNET_PARAMETER const __grid_constant__
#endif
