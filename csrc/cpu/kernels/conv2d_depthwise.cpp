// Convolutions of few channels a group, forward, and their gradient for the input: see
// conv2d_depthwise.h. Sums of a tile lie in registers; what is loaded of a row of the source is
// added to both rows of the result.
#include "cpu/kernels/conv2d_depthwise.h"

#include "cpu/kernels/activation.h"

namespace convnet::CONVNET_ISA {

namespace {

struct Sum {
  template <int K, int S, int T>
  static __attribute__((noinline)) void tile(const DepthwiseJob& all, const DepthwiseTile& t) {
    // Copies, for a store of a vector may write anything that is not.
    const DepthwiseJob job = all;
    const DepthwiseLine *const lines = t.lines, *const end = lines + t.count;
    const int64_t columns = t.columns, rows = t.rows;
    const Vec low = set1(job.relu ? 0.0f : -HUGE_VALF);
    const float *x = t.x, *group = job.w, *bias = job.bias;
    float* y = t.y;
    for (int64_t g = 0; g < job.groups; ++g, x += job.x_group, group += job.w_group)
      for (int64_t o = 0; o < job.results; ++o, y += kLanes) {
        const Vec start = bias ? set1(*bias++) : zero();
        for (int v = 0; v < kVectors; ++v) {
          Vec acc[2][T];
          CONVNET_EACH(r, 2)
            CONVNET_EACH(i, T) acc[r][i] = start;
          for (const DepthwiseLine* line = lines; line < end; ++line) {
            // Of rows that no tile has read before, what the next tile will.
            if (job.far && line->weight[1] >= 0)
              prefetch_columns(x + line->x + ((T - 1) * S + K) * job.x_step, T * S, job.x_step);
            Vec in[(T - 1) * S + K];
            load_inside(in, x + line->x + v * kWidth, job.x_step, line->inside);
            CONVNET_EACH(r, 2) {
              if (line->weight[r] < 0) continue;
              const float* w = group + o * job.w_result + line->weight[r];
              CONVNET_EACH(k, K) {
                const Vec s = set1(w[k * job.w_step]);
                CONVNET_EACH(i, T) acc[r][i] = fma(in[i * S + k], s, acc[r][i]);
              }
            }
          }
          CONVNET_EACH(r, 2) {
            if (r >= rows) continue;
            float* to = y + r * job.y_row + v * kWidth;
            if (job.far) prefetch_columns(to + T * job.y_step, T, job.y_step);
            CONVNET_EACH(i, T)
              if (i < columns) store(to + i * job.y_step, max(low, acc[r][i]));
          }
        }
      }
  }
};

// Operands are those of conv2d, or of the gradient for its input: x, -, bias, packed weights, y.
void sum_units(const KernelArgs& a, const DepthwiseImages& images) {
  const Conv2dParams& p = images.p;
  const int64_t results = images.results();
  const bool relu = !images.transposed && p.activation == Activation::relu;
  depthwise(
      images,
      {a.f32(0), a.f32(4), a.f32(3), images.summed() * kLanes, p.taps() * images.summed() * results,
       1, results, a.f32(2), relu, beyond_cache(p), p.groups},
      {a.begin, a.end, 0, images.columns()}, kDepthwiseTiles<Sum, kWideTile>,
      kDepthwiseTiles<Sum, kNarrowTile>, a.scratch);
}

}  // namespace

void conv2d_depthwise(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  sum_units(a, {p, false, kLanes});
  const int64_t line = p.OW * p.OC;
  if (p.activation == Activation::sigmoid || p.activation == Activation::tanh)
    activate_in_place(p.activation, a.f32(4) + a.begin * line * kLanes,
                      (a.end - a.begin) * line * kVectors);
}

void conv2d_depthwise_backward_input(const KernelArgs& a) {
  sum_units(a, {a.as<Conv2dParams>(), true, kLanes});
}

}  // namespace convnet::CONVNET_ISA
