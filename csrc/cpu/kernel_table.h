// The table of all kernels of one instruction set. Apart from kernel.h, so that a new op does not
// recompile every kernel.
#pragma once

#include "cpu/kernel.h"

namespace convnet {

enum OpIndex : int {
#define CONVNET_OP(name) op_index_##name,
#define CONVNET_VIEW(name)
#include "ops/kernel_list.inc"
#undef CONVNET_OP
#undef CONVNET_VIEW
  kKernelCount
};

struct KernelTable {
  const char* isa;
  int64_t (*probe)(int64_t rounds, float* sink);  // peak multiply-adds, for benchmarks
  KernelFn fn[kKernelCount];
};

}  // namespace convnet
