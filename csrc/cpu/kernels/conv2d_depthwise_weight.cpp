// Gradient of convolutions of few channels a group for their weights, samples in lanes: see
// conv2d_depthwise.h. The gradients dy of a tile lie in registers, and what they give to the taps
// of a row is summed there before it is added to sums in memory, so that no sum grows long. Blocks
// of channels are gone through one after another: their sums stay in the first-level cache.
#include "cpu/kernels/conv2d_depthwise.h"
#include "cpu/kernels/conv2d_weight.h"

namespace convnet::CONVNET_ISA {

namespace {

struct AddToSums {
  template <int K, int S, int T>
  static __attribute__((noinline)) void tile(const DepthwiseJob& all, const DepthwiseTile& t) {
    const DepthwiseJob job = all;
    const DepthwiseLine *const lines = t.lines, *const end = lines + t.count;
    const int64_t columns = t.columns, rows = t.rows;
    const float *x = t.x, *dy = t.y;
    float* sums = job.w;
    for (int64_t g = 0; g < job.groups; ++g, x += job.x_group)
      for (int64_t o = 0; o < job.results; ++o, dy += kLanes, sums += job.w_result)
        for (int v = 0; v < kVectors; ++v) {
          Vec d[2][T];
          if (job.far)
            for (int64_t r = 0; r < rows; ++r)
              prefetch_columns(dy + r * job.y_row + T * job.y_step, T, job.y_step);
          CONVNET_EACH(r, 2)
            CONVNET_EACH(i, T) {
              d[r][i] = zero();
              if (r < rows && i < columns)
                d[r][i] = load(dy + r * job.y_row + i * job.y_step + v * kWidth);
            }
          for (const DepthwiseLine* line = lines; line < end; ++line) {
            if (job.far && line->weight[1] >= 0)
              prefetch_columns(x + line->x + ((T - 1) * S + K) * job.x_step, T * S, job.x_step);
            Vec in[(T - 1) * S + K];
            load_inside(in, x + line->x + v * kWidth, job.x_step, line->inside);
            CONVNET_EACH(r, 2) {
              if (line->weight[r] < 0) continue;
              float* to = sums + line->weight[r] + v * kWidth;
              Vec sum[K];
              CONVNET_EACH(k, K) sum[k] = zero();
              CONVNET_EACH(i, T)
                CONVNET_EACH(k, K) sum[k] = fma(in[i * S + k], d[r][i], sum[k]);
              CONVNET_EACH(k, K) store(to + k * job.w_step, load(to + k * job.w_step) + sum[k]);
            }
          }
        }
  }
};

// The vectors of sum i added up; zeros beyond the last one.
CONVNET_INLINE Vec vector_of(const float* sums, int64_t i, int64_t count) {
  Vec all = zero();
  if (i < count)
    for (int v = 0; v < kVectors; ++v) all = all + load(sums + i * kLanes + v * kWidth);
  return all;
}

// Adds the lanes of each sum of a channel to `count` weights, `pitch` floats apart.
void add_lanes(const float* sums, int64_t count, float* dw, int64_t pitch, bool accumulate) {
  for (int64_t i = 0; i < count; i += 4) {
    float total[4];
    sum4(vector_of(sums, i, count), vector_of(sums, i + 1, count), vector_of(sums, i + 2, count),
         vector_of(sums, i + 3, count), total);
    for (int64_t k = i; k < least(i + 4, count); ++k)
      dw[k * pitch] = (accumulate ? dw[k * pitch] : 0.0f) + total[k - i];
  }
}

}  // namespace

void weight_depthwise(const KernelArgs& a, const Conv2dWeightParams& p) {
  const DepthwiseImages images{p, false, kLanes};
  const int64_t results = images.results(), sums_of_result = p.streams() * kLanes;
  float* sums = DepthwiseScratch(p, a.scratch).sums;
  for (int64_t group = a.begin, groups; group < a.end; group += groups) {
    groups = least(a.end - group, kDepthwiseBlock / results);
    const int64_t channels = groups * results, o = group * results;
    for (int64_t i = 0; i < channels * sums_of_result; i += kWidth) store(sums + i, zero());
    depthwise(images,
              {a.f32(0) + group * images.summed() * kLanes, a.f32(1) + o * kLanes, sums,
               images.summed() * kLanes, results * sums_of_result, sums_of_result, kLanes, nullptr,
               false, beyond_cache(p), groups},
              {0, p.outer * p.OH, 0, p.OW}, kDepthwiseTiles<AddToSums, kWideTile>,
              kDepthwiseTiles<AddToSums, kNarrowTile>, a.scratch);
    for (int64_t i = 0; i < channels; ++i)
      add_lanes(sums + i * sums_of_result, p.streams(), a.f32(2) + o + i, p.OC, a.accumulate);
  }
}

}  // namespace convnet::CONVNET_ISA
