#include "cuda/probe.h"

#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

__global__ void multiply_add(float* out, int turns) {
  float sums[kProbeChains];
  for (int c = 0; c < kProbeChains; ++c) sums[c] = static_cast<float>(threadIdx.x + c);
  for (int i = 0; i < turns; ++i)
#pragma unroll
    for (int c = 0; c < kProbeChains; ++c) sums[c] = fmaf(sums[c], 0.5f, 1.0f);
  float total = 0;
  for (int c = 0; c < kProbeChains; ++c) total += sums[c];
  out[int64_t{blockIdx.x} * blockDim.x + threadIdx.x] = total;
}

__global__ void copy(const float4* from, float4* to, int64_t n) {
  each_element(n, [&](int64_t i) { to[i] = from[i]; });
}

}  // namespace

void probe_multiply_add(float* out, int turns, Stream stream) {
  launch(multiply_add, kProbeThreads / kThreads, kThreads, stream, out, turns);
}

void probe_copy(const float* from, float* to, int64_t n, Stream stream) {
  launch(copy, blocks_for(n / 4), kThreads, stream, reinterpret_cast<const float4*>(from),
         reinterpret_cast<float4*>(to), n / 4);
}

}  // namespace convnet::cuda
