// Dropout: draws, and their use forward and backward.
#include "ops/dropout.h"

#include "cuda/divide.h"
#include "cuda/launch.h"
#include "cuda/philox.h"

namespace convnet::cuda {

namespace {

// Draws are cut into fours, the numbers of one Philox call.
__global__ void draw(const Step* step, uint16_t* kept, int64_t samples, int64_t draws,
                     uint32_t node, uint32_t least_kept, bool none) {
  const int64_t fours = (draws + 3) / 4;
  each_element(samples * fours, [&](int64_t i) {
    const auto [sample, four] = divide(i, fours);
    const Numbers r = philox(*step, node, sample, four);
    for (int64_t j = 0; j < 4 && 4 * four + j < draws; ++j)
      kept[sample * draws + 4 * four + j] = !none && r.x[j] >= least_kept;
  });
}

// The draw of element i, where features share draws.
CONVNET_CALLED int64_t shared_draw(const DropoutParams& p, int64_t i) {
  auto [sample, left] = divide(i, p.features);
  int64_t place = sample * p.noise;
  CONVNET_UNROLLED(1)
  for (int32_t axis = p.axes - 1; axis >= 0; --axis) {
    const auto [outer, at] = divide(left, p.extent[axis]);
    place += at * p.stride[axis];
    left = outer;
  }
  return place;
}

__global__ void apply(const float* x, const uint16_t* kept, float* y, int64_t n,
                      CONVNET_PARAMETER DropoutParams p) {
  const float factor = p.rate < 1 ? 1.0f / (1.0f - p.rate) : 0.0f;
  each_element(
      n, [&](int64_t i) { y[i] = kept[p.shared ? shared_draw(p, i) : i] ? x[i] * factor : 0.0f; });
}

void launch_apply(const Call& a, const uint16_t* kept, float* y) {
  const auto& p = a.as<DropoutParams>();
  const int64_t n = a.samples * p.features;
  launch(apply, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)), kept, y, n,
         p);
}

}  // namespace

void dropout(const Call& a) {
  const auto& p = a.as<DropoutParams>();
  const double threshold = static_cast<double>(p.rate) * 4294967296.0;
  const bool none = threshold >= 4294967296.0;
  auto* kept = static_cast<uint16_t*>(a.data[2]);
  launch(draw, blocks_for(a.samples * ((p.noise + 3) / 4)), kThreads, a.stream, a.step, kept,
         a.samples, p.noise, p.seed, none ? 0u : static_cast<uint32_t>(threshold), none);
  launch_apply(a, kept, a.f32(1));
}

void dropout_backward(const Call& a) {
  launch_apply(a, static_cast<const uint16_t*>(a.data[1]), a.f32(2));
}

}  // namespace convnet::cuda
