// The part of the backend that is no kernel: memory, streams, recorded steps. Implemented by
// runtime.cu for CUDA and by emulation/runtime.cpp for tests.
#pragma once

#include "cuda/backend.h"

namespace convnet::cuda {

// The table without its kernels.
Backend runtime();

}  // namespace convnet::cuda
