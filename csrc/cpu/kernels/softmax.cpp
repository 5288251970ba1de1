// softmax and log_softmax along an axis, shifted by the largest element so that no power overflows.
// Vectors hold neighbours of the axis, or, where there are none, parts of a row along it.
#include "cpu/kernels/columns.h"
#include "cpu/kernels/tail.h"
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

// n numbers of a row; nothing that counts beyond.
CONVNET_INLINE Vec part_of_row(const float* x, int64_t n) {
  return n >= kWidth ? load(x) : select(live_mask(n, 0), load_first(x, n), set1(-__builtin_inff()));
}

template <bool log>
void rows(const KernelArgs& a, const AxisParams& p) {
  const int64_t n = p.n, end = least(a.end * p.block, p.outer);
  for (int64_t row = a.begin * p.block; row < end; ++row) {
    const float* x = a.f32(0) + row * n;
    float* y = a.f32(1) + row * n;
    Vec top = part_of_row(x, n);
    for (int64_t k = kWidth; k < n; k += kWidth) top = max(top, part_of_row(x + k, n - k));
    top = set1(largest(top));
    Vec powers = zero();
    for (int64_t k = 0; k < n; k += kWidth) {
      const Vec e = exp(part_of_row(x + k, n - k) - top);
      powers = powers + e;
      if (!log) store_some(y + k, n - k, e);
    }
    const Vec total = set1(sum(powers));
    const Vec shift = log ? convnet::CONVNET_ISA::log(total) : 1.0f / total;
    for (int64_t k = 0; k < n; k += kWidth)
      store_some(y + k, n - k,
                 log ? load_some(x + k, n - k) - top - shift : load_some(y + k, n - k) * shift);
  }
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
  if (p.inner == 1) return rows<false>(a, p);
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    at += outer * p.n * p.inner;
    softmax_column<whole.value>(p, a.f32(0) + at, a.f32(1) + at, lanes);
  });
}

void log_softmax(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  if (p.inner == 1) return rows<true>(a, p);
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
