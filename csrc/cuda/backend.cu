#include "cuda/backend.h"

#include "cuda/begin_step.h"
#include "cuda/probe.h"
#include "cuda/runtime.h"

namespace convnet::cuda {

#define CONVNET_KERNEL(name) void name(const Call& call);
#define CONVNET_SCRATCH(name) \
  CONVNET_KERNEL(name)        \
  size_t name##_scratch(const void* params, int64_t samples);
#include "cuda/kernel_list.inc"
#undef CONVNET_KERNEL
#undef CONVNET_SCRATCH

namespace {

Backend make() {
  Backend backend = runtime();
  backend.version = kBackendVersion;
  backend.begin_step = begin_step;
  backend.probe_multiply_add = probe_multiply_add;
  backend.probe_copy = probe_copy;
#define CONVNET_KERNEL(name) backend.launch[op_index_##name] = name;
#define CONVNET_SCRATCH(name) \
  CONVNET_KERNEL(name)        \
  backend.scratch[op_index_##name] = name##_scratch;
#include "cuda/kernel_list.inc"
#undef CONVNET_KERNEL
#undef CONVNET_SCRATCH
  return backend;
}

}  // namespace

}  // namespace convnet::cuda

extern "C" __attribute__((visibility("default"))) const convnet::cuda::Backend*
convnet_cuda_backend() {
  static const convnet::cuda::Backend backend = convnet::cuda::make();
  return &backend;
}
