// Gradient of a maximum or minimum along axes: elements that share the extreme share the gradient.
// One pass counts them, a second one writes, while x is still in cache.
#include "cpu/kernels/binary_functions.h"
#include "cpu/kernels/strides.h"
#include "cpu/kernels/tail.h"
#include "ops/reduce.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int64_t kColumns = 512;  // results at a time: their counts stay in L1

// n neighbouring results; what they are made of lies alike in x and dx, row by row.
void columns(const ReduceParams& p, const float* x, const float* y, const float* dy, float* dx,
             int64_t n) {
  float share[kColumns];
  const int64_t step = p.reduced.stride[0][p.reduced.axes - 1];
  const auto each = [&](auto term) {
    each_row<1>(p.reduced, 0, p.reduced.size, [&](const int64_t* at, int64_t, int64_t rows) {
      for (int64_t k = 0, i = at[0]; k < rows; ++k, i += step)
        for (int64_t j = 0; j < n; j += kWidth)
          term(j, n - j, i + j, one_where(load_some(x + i + j, n - j) == load_some(y + j, n - j)));
    });
  };
  for (int64_t j = 0; j < n; j += kWidth) store(share + j, zero());
  each(
      [&](int64_t j, int64_t, int64_t, Vec chosen) { store(share + j, load(share + j) + chosen); });
  for (int64_t j = 0; j < n; j += kWidth)
    store(share + j, load_some(dy + j, n - j) / load(share + j));
  each([&](int64_t j, int64_t left, int64_t i, Vec chosen) {
    store_some(dx + i, left, chosen * load(share + j));
  });
}

// One result: its terms lie side by side.
CONVNET_INLINE void terms(const ReduceParams& p, const float* x, float y, float dy, float* dx) {
  const Vec best = set1(y);
  const auto each = [&](auto term) {
    each_row<1>(p.reduced, 0, p.reduced.size, [&](const int64_t* at, int64_t, int64_t n) {
      for (int64_t k = 0; k < n; k += kWidth) {
        const Vec chosen = one_where(load_some(x + at[0] + k, n - k) == best);
        term(at[0] + k, n - k, keep(live_mask(n - k, 0), chosen));
      }
    });
  };
  Vec count = zero();
  each([&](int64_t, int64_t, Vec chosen) { count = count + chosen; });
  const Vec share = set1(dy / sum(count));
  each([&](int64_t i, int64_t n, Vec chosen) { store_some(dx + i, n, chosen * share); });
}

}  // namespace

// x, y, dy -> dx
void extreme_backward(const KernelArgs& a) {
  const auto& p = a.as<ReduceParams>();
  const int64_t end = least(a.end * p.block, p.kept.size);
  const int64_t step = p.kept.stride[0][p.kept.axes - 1];
  each_row<1>(p.kept, a.begin * p.block, end, [&](const int64_t* at, int64_t i, int64_t n) {
    const float *x = a.f32(0) + at[0], *y = a.f32(1) + i, *dy = a.f32(2) + i;
    float* dx = a.f32(3) + at[0];
    if (p.innermost_kept)
      for (int64_t j = 0; j < n; j += kColumns)
        columns(p, x + j, y + j, dy + j, dx + j, least(kColumns, n - j));
    else
      for (int64_t j = 0; j < n; ++j) terms(p, x + j * step, y[j], dy[j], dx + j * step);
  });
}

}  // namespace convnet::CONVNET_ISA
