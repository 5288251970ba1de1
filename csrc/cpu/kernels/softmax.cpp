// softmax and log_softmax along an axis, shifted by the largest element so that no power overflows.
// Vectors hold neighbours of the axis, or, where there are none, parts of a row along it.
#include "cpu/kernels/columns.h"
#include "cpu/kernels/softmax_row.h"

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

// The same where the elements of a column follow each other.
void softmax_of_row(const float* x, float* y, int64_t size) {
  const Vec scale = 1.0f / set1(sum_exp_of_row(x, size, largest_of_row(x, size), y));
  each_part(size, [&](int64_t i, int64_t n) { store_some(y + i, n, load_some(y + i, n) * scale); });
}

void log_of_row(const float* x, float* y, int64_t size) {
  const float top = largest_of_row(x, size), shift = log_of(sum_exp_of_row(x, size, top));
  each_part(size,
            [&](int64_t i, int64_t n) { store_some(y + i, n, load_some(x + i, n) - top - shift); });
}

template <bool log>
void backward_row(const float* y, const float* dy, float* dx, int64_t size) {
  const float total = sum_of_row(size, [&](int64_t i, int64_t n) {
    const Vec g = load_some(dy + i, n);
    return log ? g : load_some(y + i, n) * g;
  });
  each_part(size, [&](int64_t i, int64_t n) {
    const Vec g = load_some(dy + i, n), v = load_some(y + i, n);
    store_some(dx + i, n, log ? fnma(exp(v), set1(total), g) : v * (g - total));
  });
}

// row(at) for each row at hand.
template <class Row>
CONVNET_INLINE void each_row(const KernelArgs& a, const AxisParams& p, Row row) {
  for (int64_t o = a.begin * p.block; o < least(a.end * p.block, p.outer); ++o) row(o * p.n);
}

template <bool log>
void backward(const KernelArgs& a, const AxisParams& p) {
  if (p.inner == 1)
    return each_row(a, p, [&](int64_t at) {
      backward_row<log>(a.f32(0) + at, a.f32(1) + at, a.f32(2) + at, p.n);
    });
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    at += outer * p.n * p.inner;
    backward_column<log, whole.value>(p, a.f32(0) + at, a.f32(1) + at, a.f32(2) + at, lanes);
  });
}

}  // namespace

void softmax(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  if (p.inner == 1)
    return each_row(a, p, [&](int64_t at) { softmax_of_row(a.f32(0) + at, a.f32(1) + at, p.n); });
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    at += outer * p.n * p.inner;
    softmax_column<whole.value>(p, a.f32(0) + at, a.f32(1) + at, lanes);
  });
}

void log_softmax(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  if (p.inner == 1)
    return each_row(a, p, [&](int64_t at) { log_of_row(a.f32(0) + at, a.f32(1) + at, p.n); });
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
