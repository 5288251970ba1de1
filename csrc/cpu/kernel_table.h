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

constexpr int64_t kUniformUnit = 64;  // numbers that are drawn at once
// A draw of n uniform random numbers, times `scale` plus `offset`.
struct Uniform {
  float* out;
  int64_t n;
  uint64_t key[2];
  float scale, offset;
};

struct KernelTable {
  const char* isa;
  int64_t (*probe)(int64_t rounds, float* sink);  // peak multiply-adds, for benchmarks
  void (*uniform)(const Uniform& draw, int64_t begin, int64_t end);  // of units
  KernelFn fn[kKernelCount];
};

}  // namespace convnet
