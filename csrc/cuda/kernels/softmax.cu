// softmax and log_softmax along an axis, shifted by the largest element so that no power overflows.
#include "cpu/simd/math.h"
#include "cuda/team.h"
#include "ops/axis.h"

namespace convnet::cuda {

namespace {

CONVNET_INLINE int64_t first_of(const AxisParams& p, int64_t row) {
  return row / p.inner * p.n * p.inner + row % p.inner;
}

template <int kTeam, bool kLog>
__global__ void normalize(const float* from, float* to, int64_t rows, AxisParams p) {
  each_row_of_team<kTeam>(rows, [&](int64_t row, int rank) {
    const float* x = from + first_of(p, row);
    float* y = to + first_of(p, row);
    float top = -__builtin_inff(), total = 0;
    for (int64_t k = rank; k < p.n; k += kTeam) top = max(set1(top), load(x + k * p.inner)).v;
    top = over_team<kTeam>(top, [](float a, float b) { return max(set1(a), set1(b)).v; });
    for (int64_t k = rank; k < p.n; k += kTeam) {
      const Vec e = exp(load(x + k * p.inner) - top);
      if (!kLog) store(y + k * p.inner, e);
      total += e.v;
    }
    total = sum_over_team<kTeam>(total);
    const Vec shift = log(set1(total)), scale = 1.0f / set1(total);
    for (int64_t k = rank; k < p.n; k += kTeam)
      store(y + k * p.inner,
            kLog ? load(x + k * p.inner) - top - shift : load(y + k * p.inner) * scale);
  });
}

// dx = y (dy - sum y dy), or for the logarithm dx = dy - exp(y) sum dy.
template <int kTeam, bool kLog>
__global__ void backward(const float* results, const float* slopes, float* to, int64_t rows,
                         AxisParams p) {
  each_row_of_team<kTeam>(rows, [&](int64_t row, int rank) {
    const float *y = results + first_of(p, row), *dy = slopes + first_of(p, row);
    float *dx = to + first_of(p, row), total = 0;
    for (int64_t k = rank; k < p.n; k += kTeam) {
      const float g = dy[k * p.inner];
      total = kLog ? total + g : fmaf(y[k * p.inner], g, total);
    }
    total = sum_over_team<kTeam>(total);
    for (int64_t k = rank; k < p.n; k += kTeam) {
      const Vec g = load(dy + k * p.inner), v = load(y + k * p.inner);
      store(dx + k * p.inner, kLog ? fnma(exp(v), set1(total), g) : v * (g - total));
    }
  });
}

template <bool kLog>
void launch_normalize(const Call& a) {
  const auto& p = a.as<AxisParams>();
  const int64_t rows = a.samples * p.outer * p.inner;
  with_team(p.inner > 1, p.n, [&](auto team) {
    launch(normalize<team.value, kLog>, blocks_for_teams<team.value>(rows), kThreads, a.stream,
           static_cast<const float*>(a.f32(0)), a.f32(1), rows, p);
  });
}

template <bool kLog>
void launch_backward(const Call& a) {
  const auto& p = a.as<AxisParams>();
  const int64_t rows = a.samples * p.outer * p.inner;
  with_team(p.inner > 1, p.n, [&](auto team) {
    launch(backward<team.value, kLog>, blocks_for_teams<team.value>(rows), kThreads, a.stream,
           static_cast<const float*>(a.f32(0)), static_cast<const float*>(a.f32(1)), a.f32(2), rows,
           p);
  });
}

}  // namespace

void softmax(const Call& a) { launch_normalize<false>(a); }
void log_softmax(const Call& a) { launch_normalize<true>(a); }

void softmax_backward(const Call& a) {
  if (a.as<AxisParams>().flag) return launch_backward<true>(a);
  launch_backward<false>(a);
}

}  // namespace convnet::cuda
