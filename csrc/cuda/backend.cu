#include "cuda/backend.h"

#include "cuda/begin_step.h"
#include "cuda/runtime.h"

namespace convnet::cuda {

#define CONVNET_KERNEL(name) void name(const Call& call);
#include "cuda/kernel_list.inc"
#undef CONVNET_KERNEL

namespace {

Backend make() {
  Backend backend = runtime();
  backend.version = kBackendVersion;
  backend.begin_step = begin_step;
#define CONVNET_KERNEL(name) backend.launch[op_index_##name] = name;
#include "cuda/kernel_list.inc"
#undef CONVNET_KERNEL
  return backend;
}

}  // namespace

}  // namespace convnet::cuda

extern "C" __attribute__((visibility("default"))) const convnet::cuda::Backend*
convnet_cuda_backend() {
  static const convnet::cuda::Backend backend = convnet::cuda::make();
  return &backend;
}
