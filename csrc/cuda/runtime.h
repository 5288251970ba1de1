// The part of the backend that is no kernel: memory, streams, recorded steps. Implemented by
// runtime.cu for CUDA and by emulation/runtime.cpp for tests.
#pragma once

#include "cuda/backend.h"

namespace convnet::cuda {

// The table without its kernels.
Backend runtime();

// While it lives, the thread may allocate memory and wait, although it records a step. Errors of
// launches meanwhile are forgotten.
class Aside {
 public:
  Aside();
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

 private:
  int mode_;    // of recording
  int failed_;  // what a launch before it reported
};

}  // namespace convnet::cuda
