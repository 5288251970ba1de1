// softmax and log_softmax along an axis, shifted by the largest element so that no power overflows.
#include "cpu/kernels/columns.h"
#include "cpu/simd/math.h"

namespace convnet::CONVNET_ISA {

namespace {

template <bool whole>
CONVNET_INLINE Vec largest_of(const AxisParams& p, const float* x, int64_t lanes) {
  Vec top = load_part<whole>(x, lanes);
  for (int64_t k = 1; k < p.n; ++k) top = max(top, load_part<whole>(x + k * p.inner, lanes));
  return top;
}

template <bool whole>
CONVNET_INLINE void softmax_column(const AxisParams& p, const float* x, float* y, int64_t lanes) {
  const Vec top = largest_of<whole>(p, x, lanes);
  Vec total = zero();
  for (int64_t k = 0; k < p.n; ++k) {
    const Vec e = exp(load_part<whole>(x + k * p.inner, lanes) - top);
    store_part<whole>(y + k * p.inner, lanes, e);
    total = total + e;
  }
  const Vec scale = 1.0f / total;
  for (int64_t k = 0; k < p.n; ++k)
    store_part<whole>(y + k * p.inner, lanes, load_part<whole>(y + k * p.inner, lanes) * scale);
}

template <bool whole>
CONVNET_INLINE void log_column(const AxisParams& p, const float* x, float* y, int64_t lanes) {
  const Vec top = largest_of<whole>(p, x, lanes);
  Vec total = zero();
  for (int64_t k = 0; k < p.n; ++k)
    total = total + exp(load_part<whole>(x + k * p.inner, lanes) - top);
  const Vec shift = log(total);
  for (int64_t k = 0; k < p.n; ++k)
    store_part<whole>(y + k * p.inner, lanes,
                      load_part<whole>(x + k * p.inner, lanes) - top - shift);
}

// dx = y (dy - sum y dy), or for the logarithm dx = dy - exp(y) sum dy.
template <bool log, bool whole>
CONVNET_INLINE void backward_column(const AxisParams& p, const float* y, const float* dy, float* dx,
                                    int64_t lanes) {
  Vec total = zero();
  for (int64_t k = 0; k < p.n; ++k) {
    const Vec g = load_part<whole>(dy + k * p.inner, lanes);
    total = log ? total + g : fma(load_part<whole>(y + k * p.inner, lanes), g, total);
  }
  for (int64_t k = 0; k < p.n; ++k) {
    const Vec g = load_part<whole>(dy + k * p.inner, lanes);
    const Vec v = load_part<whole>(y + k * p.inner, lanes);
    store_part<whole>(dx + k * p.inner, lanes, log ? fnma(exp(v), total, g) : v * (g - total));
  }
}

template <bool log>
void backward(const KernelArgs& a, const AxisParams& p) {
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    at += outer * p.n * p.inner;
    backward_column<log, whole.value>(p, a.f32(0) + at, a.f32(1) + at, a.f32(2) + at, lanes);
  });
}

}  // namespace

void softmax(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    at += outer * p.n * p.inner;
    softmax_column<whole.value>(p, a.f32(0) + at, a.f32(1) + at, lanes);
  });
}

void log_softmax(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    at += outer * p.n * p.inner;
    log_column<whole.value>(p, a.f32(0) + at, a.f32(1) + at, lanes);
  });
}

void softmax_backward(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  if (p.flag) return backward<true>(a, p);
  backward<false>(a, p);
}

}  // namespace convnet::CONVNET_ISA
