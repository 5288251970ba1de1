// Values repeated along axes, and over samples.
#include "ops/broadcast_to.h"

#include "cuda/launch.h"
#include "cuda/strides.h"

namespace convnet::cuda {

namespace {

__global__ void repeat(const float* x, int64_t sample, float* y, int64_t n,
                       CONVNET_PARAMETER Strides s) {
  each_element(n, [&](int64_t i) {
    const auto [of, at] = divide(i, s.size);
    y[i] = x[of * sample + place_of(s, 0, at)];
  });
}

}  // namespace

void broadcast_to(const Call& a) {
  const auto& p = a.as<BroadcastToParams>();
  const int64_t n = a.samples * p.strides.size;
  launch(repeat, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         a.stride[0], a.f32(p.output), n, p.strides);
}

}  // namespace convnet::cuda
