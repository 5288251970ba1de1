// Depthwise convolution of one image, channels in lanes: see conv2d_depthwise.h. Weights are read
// where they lie. The last vector of channels overlaps the one before it.
#include "cpu/kernels/activation.h"
#include "cpu/kernels/conv2d_depthwise.h"

namespace convnet::CONVNET_ISA {

namespace {

struct SumChannels {
  template <int K, int S, int T>
  static __attribute__((noinline)) void tile(const DepthwiseJob& all, const DepthwiseTile& t) {
    const DepthwiseJob job = all;
    const DepthwiseLine *const lines = t.lines, *const end = lines + t.count;
    const int64_t columns = t.columns, rows = t.rows;
    const Vec low = set1(job.relu ? 0.0f : -HUGE_VALF);
    for (int64_t done = 0; done < job.groups; done += kWidth) {
      const int64_t c = least(done, job.groups - kWidth);
      const Vec start = job.bias ? load(job.bias + c) : zero();
      Vec acc[2][T];
      CONVNET_EACH(r, 2)
        CONVNET_EACH(i, T) acc[r][i] = start;
      for (const DepthwiseLine* line = lines; line < end; ++line) {
        Vec in[(T - 1) * S + K];
        load_inside(in, t.x + line->x + c, job.x_step, line->inside);
        CONVNET_EACH(r, 2) {
          if (line->weight[r] < 0) continue;
          const float* w = job.w + line->weight[r] + c;
          CONVNET_EACH(k, K) {
            const Vec s = load(w + k * job.w_step);
            CONVNET_EACH(i, T) acc[r][i] = fma(in[i * S + k], s, acc[r][i]);
          }
        }
      }
      CONVNET_EACH(r, 2) {
        if (r >= rows) continue;
        float* to = t.y + r * job.y_row + c;
        CONVNET_EACH(i, T)
          if (i < columns) store(to + i * job.y_step, max(low, acc[r][i]));
      }
    }
  }
};

}  // namespace

void conv2d_depthwise_of_one(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  const DepthwiseImages images{p, false, 1};
  const DepthwiseCall call{
      a.f32(0), a.f32(4), a.f32(1), 0, 0, 0, p.C, a.f32(2), p.activation == Activation::relu,
      false,    p.C};
  const DepthwiseTiles& tiles = kDepthwiseTiles<SumChannels, kNarrowTile>;
  for (int64_t unit = a.begin, units; unit < a.end; unit += units) {
    // A unit is a row, or a segment of one.
    units = p.segments > 1 ? 1 : a.end - a.begin;
    const int64_t row = unit / p.segments, segment = unit % p.segments,
                  left = cut(p.OW, p.segments, segment), right = cut(p.OW, p.segments, segment + 1);
    depthwise(images, call, {row, row + units, left, right}, tiles, tiles, a.scratch);
    if (p.activation != Activation::relu)
      activate_row(p.activation, a.f32(4) + (row * p.OW + left) * p.OC,
                   ((units - 1) * p.OW + right - left) * p.OC);
  }
}

}  // namespace convnet::CONVNET_ISA
