// CUDA, or on the host what stands for it in tests.
#pragma once

#ifdef CONVNET_CUDA_EMULATION
#include "cuda/emulation/emulation.h"
#else
#include <cuda_runtime.h>
#endif
