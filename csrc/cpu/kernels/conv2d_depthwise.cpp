// Convolutions of groups of one or two channels, forward, and their gradient for the input: see
// conv2d_depthwise.h. Sums of a tile lie in registers; the taps of a row of the source are added to
// those of both rows of the result.
#include "cpu/kernels/conv2d_depthwise.h"

#include "cpu/kernels/activation.h"

namespace convnet::CONVNET_ISA {

namespace {

// What tiles of one image and phase have in common.
struct Job {
  int64_t x_step, x_group;  // floats from column to column, and from group to group
  const float* w;           // [group][ky][kx][summed channel][result channel]
  int64_t w_step, w_group;  // from tap to tap of those that lie side by side
  const float* bias;
  int64_t y_step, y_row;
  int64_t groups, results;
  bool relu;
};

struct Tile {
  const DepthwiseLine* lines;
  int64_t count;
  const float* x;
  float* y;
  int64_t columns, rows;
};

template <int K, int S, int T>
__attribute__((noinline)) void sum_tile(const Job& all, const Tile& t) {
  // A copy, for a store of a vector may write anything that is not.
  const Job job = all;
  const DepthwiseLine* const end = t.lines + t.count;
  const Vec low = set1(job.relu ? 0.0f : -HUGE_VALF);
  const float *x = t.x, *weights = job.w, *bias = job.bias;
  float* y = t.y;
  const int64_t columns = t.columns, rows = t.rows;
  for (int64_t g = 0; g < job.groups; ++g, x += job.x_group, weights += job.w_group)
    for (int64_t o = 0; o < job.results; ++o, y += kLanes) {
      const Vec start = bias ? set1(*bias++) : zero();
      for (int v = 0; v < kVectors; ++v) {
        Vec acc[2][T];
        CONVNET_EACH(r, 2)
          CONVNET_EACH(i, T) acc[r][i] = start;
        for (const DepthwiseLine* line = t.lines; line < end; ++line) {
          Vec in[source_width<K, S, T>];
          load_inside(in, x + line->x + v * kWidth, job.x_step, line->inside);
          CONVNET_EACH(r, 2) {
            if (line->weight[r] < 0) continue;
            const float* w = weights + line->weight[r] + o;
            CONVNET_EACH(k, K) {
              const Vec s = set1(w[k * job.w_step]);
              CONVNET_EACH(i, T) acc[r][i] = fma(in[i * S + k], s, acc[r][i]);
            }
          }
        }
        CONVNET_EACH(r, 2) {
          if (r >= rows) continue;
          float* to = y + r * job.y_row + v * kWidth;
          CONVNET_EACH(i, T)
            if (i < columns) store(to + i * job.y_step, max(low, acc[r][i]));
        }
      }
    }
}

// Rows [begin, end) of the result y, counted through all images.
void sum_rows(const DepthwiseImages& images, int64_t begin, int64_t end, const float* x,
              const float* w, const float* bias, float* y, bool relu, void* scratch) {
  const Conv2dParams& p = images.p;
  const int64_t summed = images.summed(), results = images.results(), pitch = images.pitch(),
                line = images.columns() * pitch,
                image = images.source_rows() * images.source_columns() * images.source_pitch();
  each_depthwise_tile(
      images, begin, end, results, scratch,
      [&]<int K, int S, int T>(const DepthwisePhase& phase, const DepthwiseLine* lines,
                               int64_t count, int64_t outer, int64_t row, int64_t rows, int64_t j,
                               int64_t columns) {
        const Job job{phase.spacing * images.source_pitch(),
                      summed * kLanes,
                      w,
                      phase.kernel_step * summed * results,
                      p.taps() * summed * results,
                      bias,
                      phase.step * pitch,
                      line,
                      p.groups,
                      results,
                      relu};
        sum_tile<K, S, T>(job, {lines, count, x + outer * image + j * phase.stride * job.x_step,
                                y + (outer * images.rows() + row) * line + phase.first * pitch +
                                    j * job.y_step,
                                columns, rows});
      });
}

}  // namespace

void conv2d_depthwise(const KernelArgs& a) {
  const auto& p = a.as<Conv2dParams>();
  sum_rows({p, false}, a.begin, a.end, a.f32(0), a.f32(3), a.f32(2), a.f32(4),
           p.activation == Activation::relu, a.scratch);
  const int64_t line = p.OW * p.OC;
  if (p.activation == Activation::sigmoid || p.activation == Activation::tanh)
    activate_in_place(p.activation, a.f32(4) + a.begin * line * kLanes,
                      (a.end - a.begin) * line * kVectors);
}

void conv2d_depthwise_backward_input(const KernelArgs& a) {
  sum_rows({a.as<Conv2dParams>(), true}, a.begin, a.end, a.f32(0), a.f32(3), a.f32(2), a.f32(4),
           false, a.scratch);
}

}  // namespace convnet::CONVNET_ISA
