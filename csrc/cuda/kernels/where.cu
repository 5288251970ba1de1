// Elements of one value or another, by a condition.
#include "cuda/launch.h"
#include "cuda/strides.h"

namespace convnet::cuda {

namespace {

struct Operands {
  const float* data[3];
  int64_t sample[3];
};

__global__ void choose(Operands in, float* y, int64_t n, CONVNET_PARAMETER Strides s) {
  each_element(n, [&](int64_t i) {
    const int64_t sample = divide(i, s.size).quotient, at = i - sample * s.size;
    const auto read = [&](int k) { return in.data[k][sample * in.sample[k] + place_of(s, k, at)]; };
    y[i] = read(0) != 0.0f ? read(1) : read(2);
  });
}

}  // namespace

void where(const Call& a) {
  const auto& s = a.as<Strides>();
  const Operands in{{a.f32(0), a.f32(1), a.f32(2)}, {a.stride[0], a.stride[1], a.stride[2]}};
  const int64_t n = a.samples * s.size;
  launch(choose, blocks_for(n), kThreads, a.stream, in, a.f32(3), n, s);
}

}  // namespace convnet::cuda
