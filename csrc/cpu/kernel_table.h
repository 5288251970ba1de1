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
  KernelFn fn[kKernelCount];
};

}  // namespace convnet
