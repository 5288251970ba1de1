// CUDA, or on the host what stands for it in tests.
#pragma once

#ifdef CONVNET_CUDA_EMULATION
#include "cuda/emulation/emulation.h"
#else
#include <cuda_runtime.h>
// A loop over what shall be in registers.
#define CONVNET_REGISTERS(i, n) _Pragma("unroll") for (int i = 0; i < (n); ++i)
#endif
