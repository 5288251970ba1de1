// Dense layers of many inputs and few outputs, samples one by one, inputs in lanes: sums over
// chunks of the inputs, so that a thread keeps to its part of all that is as long as the inputs.
#include "cpu/kernels/dot_tile.h"
#include "cpu/kernels/one.h"
#include "ops/dense.h"

namespace convnet::CONVNET_ISA {

void dense_chunks(const KernelArgs& a) {
  const auto& p = a.as<DenseParams>();
  const int64_t sums = p.chunks * p.M, count = a.shard_count;
  const bool together = p.rows == 1 && count > 1 && lie_evenly(a);
  for (int64_t chunk = a.begin; chunk < a.end; ++chunk) {
    const int64_t first = chunk * p.chunk;
    Dots d{nullptr, a.f32(1) + first, nullptr, p.K, sums, p.K, p.rows, least(p.chunk, p.K - first)};
    for (int64_t i = 0; i < (together ? 1 : count); ++i) {
      d.x = a.f32(0) + a.shards[i] * a.stride[0] + first;
      d.y = a.f32(2) + a.shards[i] * a.stride[2] + chunk * p.M;
      if (together) {
        const int64_t step = a.shards[1] - a.shards[0];
        d.x_row = step * a.stride[0], d.y_row = step * a.stride[2], d.count = count;
      }
      dots(d, p.M);
    }
  }
}

}  // namespace convnet::CONVNET_ISA
