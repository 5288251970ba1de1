#include "cuda/gemm.h"

namespace convnet::cuda {

namespace {

__global__ void add(const float* slices, float* out, int64_t n, int64_t count) {
  each_element(n, [&](int64_t i) {
    float sum = slices[i];
    for (int64_t s = 1; s < count; ++s) sum += slices[s * n + i];
    out[i] = sum;
  });
}

}  // namespace

void add_slices(Stream stream, const float* slices, float* out, int64_t n, int64_t count) {
  launch(add, blocks_for(n), kThreads, stream, slices, out, n, count);
}

}  // namespace convnet::cuda
