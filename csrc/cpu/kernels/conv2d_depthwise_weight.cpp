// Gradient of convolutions of groups of one or two channels for their weights, samples in lanes:
// see conv2d_depthwise.h. The gradients dy of a tile lie in registers, and what they give to the
// taps of a row is summed there before it is added to sums in memory, [channel][tap][16], so that
// no sum grows long. Blocks of channels are gone through one after another: their sums stay in the
// first-level cache.
#include "cpu/kernels/conv2d_depthwise.h"
#include "cpu/kernels/conv2d_weight.h"

namespace convnet::CONVNET_ISA {

namespace {

struct Job {
  int64_t x_step, x_group;
  int64_t dy_step, dy_row;
  float* sums;
  int64_t sum_step, sums_of_result;  // from tap to tap, and of a channel
  int64_t groups, results;
};

struct Tile {
  const DepthwiseLine* lines;
  int64_t count;
  const float *x, *dy;
  int64_t columns, rows;
};

template <int K, int S, int T>
__attribute__((noinline)) void add_tile(const Job& all, const Tile& t) {
  const Job job = all;
  const DepthwiseLine* const end = t.lines + t.count;
  const float *x = t.x, *dy = t.dy;
  float* sums = job.sums;
  const int64_t columns = t.columns, rows = t.rows;
  for (int64_t g = 0; g < job.groups; ++g, x += job.x_group)
    for (int64_t o = 0; o < job.results; ++o, dy += kLanes, sums += job.sums_of_result)
      for (int v = 0; v < kVectors; ++v) {
        Vec d[2][T];
        CONVNET_EACH(r, 2)
          CONVNET_EACH(i, T) {
            d[r][i] = zero();
            if (r < rows && i < columns)
              d[r][i] = load(dy + r * job.dy_row + i * job.dy_step + v * kWidth);
          }
        for (const DepthwiseLine* line = t.lines; line < end; ++line) {
          Vec in[source_width<K, S, T>];
          load_inside(in, x + line->x + v * kWidth, job.x_step, line->inside);
          CONVNET_EACH(r, 2) {
            if (line->weight[r] < 0) continue;
            float* to = sums + line->weight[r] + v * kWidth;
            Vec sum[K];
            CONVNET_EACH(k, K) sum[k] = zero();
            CONVNET_EACH(i, T)
              CONVNET_EACH(k, K) sum[k] = fma(in[i * S + k], d[r][i], sum[k]);
            CONVNET_EACH(k, K) store(to + k * job.sum_step, load(to + k * job.sum_step) + sum[k]);
          }
        }
      }
}

// All lanes of sum i; zeros beyond the last one.
CONVNET_INLINE Vec all_lanes(const float* sums, int64_t i, int64_t count) {
  Vec all = zero();
  if (i < count)
    for (int v = 0; v < kVectors; ++v) all = all + load(sums + i * kLanes + v * kWidth);
  return all;
}

// Adds the lanes of each sum of a channel to `count` weights, `pitch` floats apart.
void add_lanes(const float* sums, int64_t count, float* dw, int64_t pitch, bool accumulate) {
  for (int64_t i = 0; i < count; i += 4) {
    float total[4];
    sum4(all_lanes(sums, i, count), all_lanes(sums, i + 1, count), all_lanes(sums, i + 2, count),
         all_lanes(sums, i + 3, count), total);
    for (int64_t k = i; k < least(i + 4, count); ++k)
      dw[k * pitch] = (accumulate ? dw[k * pitch] : 0.0f) + total[k - i];
  }
}

}  // namespace

void weight_depthwise(const KernelArgs& a, const Conv2dWeightParams& p) {
  const DepthwiseImages images{p, false};
  const int64_t results = p.out_group(), streams = p.streams(), pitch = p.OC * kLanes;
  float* sums = DepthwiseScratch(p, a.scratch).sums;
  for (int64_t group = a.begin, groups; group < a.end; group += groups) {
    groups = least(a.end - group, most(1, kDepthwiseBlock / results));
    const int64_t channels = groups * results;
    for (int64_t i = 0; i < channels * streams * kVectors; ++i) store(sums + i * kWidth, zero());
    const float *x = a.f32(0) + group * p.in_group() * kLanes,
                *dy = a.f32(1) + group * results * kLanes;
    each_depthwise_tile(
        images, 0, p.outer * p.OH, kLanes, a.scratch,
        [&]<int K, int S, int T>(const DepthwisePhase& phase, const DepthwiseLine* lines,
                                 int64_t count, int64_t outer, int64_t row, int64_t rows,
                                 int64_t j, int64_t columns) {
          const Job job{phase.spacing * p.C * kLanes,
                        p.in_group() * kLanes,
                        phase.step * pitch,
                        p.OW * pitch,
                        sums,
                        phase.kernel_step * p.in_group() * kLanes,
                        streams * kLanes,
                        groups,
                        results};
          add_tile<K, S, T>(
              job, {lines, count,
                    x + outer * p.H * p.W * p.C * kLanes + j * phase.stride * job.x_step,
                    dy + (outer * p.OH + row) * job.dy_row + phase.first * pitch + j * job.dy_step,
                    columns, rows});
        });
    for (int64_t o = 0; o < channels; ++o)
      add_lanes(sums + o * streams * kLanes, streams, a.f32(2) + group * results + o, p.OC,
                a.accumulate);
  }
}

}  // namespace convnet::CONVNET_ISA
