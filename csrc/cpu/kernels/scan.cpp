// Ops that go along an axis element by element: running sums, places of extremes.
#include "cpu/kernels/columns.h"

namespace convnet::CONVNET_ISA {

void cumsum(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  const int64_t first = p.flag ? p.n - 1 : 0, step = p.flag ? -p.inner : p.inner;
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    at += (outer * p.n + first) * p.inner;
    Vec total = zero();
    for (int64_t k = 0; k < p.n; ++k, at += step) {
      total = total + load_part<whole.value>(a.f32(0) + at, lanes);
      store_part<whole.value>(a.f32(1) + at, lanes, total);
    }
  });
}

namespace {

// The first of equal extremes; NaN beats every number.
template <bool smallest>
void place(const KernelArgs& a) {
  const auto& p = a.as<AxisParams>();
  each_column(a, p, [&](auto whole, int64_t outer, int64_t at, int64_t lanes) {
    const float* x = a.f32(0) + outer * p.n * p.inner + at;
    Vec best = load_part<whole.value>(x, lanes), index = zero();
    for (int64_t k = 1; k < p.n; ++k) {
      const Vec next = load_part<whole.value>(x + k * p.inner, lanes);
      const Mask extreme = smallest ? next < best : next > best;
      const Mask better = extreme | ((next != next) & (best == best));
      best = select(better, next, best);
      index = select(better, set1(static_cast<float>(k)), index);
    }
    store_part<whole.value>(a.f32(1) + outer * p.inner + at, lanes, index);
  });
}

}  // namespace

void argmax(const KernelArgs& a) { place<false>(a); }
void argmin(const KernelArgs& a) { place<true>(a); }

}  // namespace convnet::CONVNET_ISA
