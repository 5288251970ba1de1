// softmax and log_softmax along an axis, shifted by the largest element so that no power overflows.
#include "cpu/simd/math.h"
#include "cuda/divide.h"
#include "cuda/team.h"
#include "ops/axis.h"

namespace convnet::cuda {

namespace {

__device__ __forceinline__ int64_t first_of(const AxisParams& p, int64_t row) {
  return p.inner == 1 ? row * p.n : row + divide(row, p.inner).quotient * (p.n - 1) * p.inner;
}

__global__ void normalize(const float* from, float* to, int64_t rows, AxisParams p, int team,
                          bool log_of) {
  each_row_of_team(team, rows, [&](int64_t row, int rank) {
    const float* x = from + first_of(p, row);
    float* y = to + first_of(p, row);
    float top = -__builtin_inff(), total = 0;
    for (int64_t k = rank; k < p.n; k += team) top = max(set1(top), load(x + k * p.inner)).v;
    top = over_team(team, top, [](float a, float b) { return max(set1(a), set1(b)).v; });
    CONVNET_UNROLLED(2)
    for (int64_t k = rank; k < p.n; k += team) {
      const Vec e = exp(load(x + k * p.inner) - top);
      if (!log_of) store(y + k * p.inner, e);
      total += e.v;
    }
    total = sum_over_team(team, total);
    const Vec shift = log(set1(total)), scale = 1.0f / set1(total);
    for (int64_t k = rank; k < p.n; k += team)
      store(y + k * p.inner,
            log_of ? load(x + k * p.inner) - top - shift : load(y + k * p.inner) * scale);
  });
}

// dx = y (dy - sum y dy), or for the logarithm dx = dy - exp(y) sum dy.
__global__ void backward(const float* results, const float* slopes, float* to, int64_t rows,
                         AxisParams p, int team, bool log_of) {
  each_row_of_team(team, rows, [&](int64_t row, int rank) {
    const float *y = results + first_of(p, row), *dy = slopes + first_of(p, row);
    float *dx = to + first_of(p, row), total = 0;
    for (int64_t k = rank; k < p.n; k += team) {
      const float g = dy[k * p.inner];
      total = log_of ? total + g : fmaf(y[k * p.inner], g, total);
    }
    total = sum_over_team(team, total);
    for (int64_t k = rank; k < p.n; k += team) {
      const Vec g = load(dy + k * p.inner), v = load(y + k * p.inner);
      store(dx + k * p.inner, log_of ? fnma(exp(v), set1(total), g) : v * (g - total));
    }
  });
}

void launch_normalize(const Call& a, bool log_of) {
  const auto& p = a.as<AxisParams>();
  const int64_t rows = a.samples * p.outer * p.inner;
  const int team = team_for(p.inner > 1, p.n);
  launch(normalize, blocks_for_teams(team, rows), kThreads, a.stream,
         static_cast<const float*>(a.f32(0)), a.f32(1), rows, p, team, log_of);
}

void launch_backward(const Call& a, bool log_of) {
  const auto& p = a.as<AxisParams>();
  const int64_t rows = a.samples * p.outer * p.inner;
  const int team = team_for(p.inner > 1, p.n);
  launch(backward, blocks_for_teams(team, rows), kThreads, a.stream,
         static_cast<const float*>(a.f32(0)), static_cast<const float*>(a.f32(1)), a.f32(2), rows,
         p, team, log_of);
}

}  // namespace

void softmax(const Call& a) { launch_normalize(a, false); }
void log_softmax(const Call& a) { launch_normalize(a, true); }

void softmax_backward(const Call& a) { launch_backward(a, a.as<AxisParams>().flag); }

}  // namespace convnet::cuda
