// Sums, means, extremes and products along axes.
#include "ops/reduce.h"

#include "cpu/kernels/reductions.h"
#include "cpu/kernels/strides.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kColumns = 4;

// N vectors of neighbouring results, from terms at x on.
template <class F, int N, bool whole>
CONVNET_INLINE void columns(const ReduceParams& p, const float* x, float* y, int64_t lanes) {
  Vec total[N];
  for (int v = 0; v < N; ++v) total[v] = set1(F::neutral);
  const int64_t step = p.reduced.stride[0][p.reduced.axes - 1];
  each_row<1>(p.reduced, 0, p.reduced.size, [&](const int64_t* at, int64_t, int64_t n) {
    const float* term = x + at[0];
    for (int64_t begin = 0; begin < n; begin += kRun) {
      const int64_t end = least(begin + kRun, n);
      Vec part[N];
      for (int v = 0; v < N; ++v) part[v] = set1(F::neutral);
      for (int64_t k = begin; k < end; ++k, term += step)
        CONVNET_EACH(v, N)
          part[v] = F::join(part[v], F::term(load_part<whole>(term + v * kWidth, lanes)));
      for (int v = 0; v < N; ++v) total[v] = F::join(total[v], part[v]);
    }
  });
  for (int v = 0; v < N; ++v) store_part<whole>(y + v * kWidth, lanes, total[v] / p.divisor);
}

template <class F>
void reduce_columns(const KernelArgs& a, const ReduceParams& p) {
  const int64_t end = least(a.end * p.block, p.kept.size);
  each_row<1>(p.kept, a.begin * p.block, end, [&](const int64_t* at, int64_t i, int64_t n) {
    const float* x = a.f32(0) + at[0];
    float* y = a.f32(1) + i;
    int64_t j = 0;
    for (; j + kColumns * kWidth <= n; j += kColumns * kWidth)
      columns<F, kColumns, true>(p, x + j, y + j, kWidth);
    for (; j + kWidth <= n; j += kWidth) columns<F, 1, true>(p, x + j, y + j, kWidth);
    if (j < n) columns<F, 1, false>(p, x + j, y + j, n - j);
  });
}

// One result: terms lie side by side.
template <class F>
CONVNET_INLINE float total_of(const ReduceParams& p, const float* x) {
  Vec total[kColumns];
  for (Vec& t : total) t = set1(F::neutral);
  each_row<1>(p.reduced, 0, p.reduced.size, [&](const int64_t* at, int64_t, int64_t n) {
    const float* term = x + at[0];
    int64_t k = 0;
    while (k + kColumns * kWidth <= n) {
      const int64_t end = least(k + kRun * kColumns * kWidth, n);
      Vec part[kColumns];
      for (Vec& t : part) t = set1(F::neutral);
      for (; k + kColumns * kWidth <= end; k += kColumns * kWidth)
        CONVNET_EACH(v, kColumns) part[v] = F::join(part[v], F::term(load(term + k + v * kWidth)));
      for (int v = 0; v < kColumns; ++v) total[v] = F::join(total[v], part[v]);
    }
    for (; k < n; k += kWidth) {
      const Vec last = F::term(load_some(term + k, n - k));
      total[0] = F::join(total[0], select(live_mask(n - k, 0), last, set1(F::neutral)));
    }
  });
  const Vec all = F::join(F::join(total[0], total[1]), F::join(total[2], total[3]));
  float lanes[kWidth];
  store(lanes, all);
  Vec result = set1(lanes[0]);
  for (int i = 1; i < kWidth; ++i) result = F::join(result, set1(lanes[i]));
  store(lanes, result / p.divisor);
  return lanes[0];
}

template <class F>
void reduce_with(const KernelArgs& a, const ReduceParams& p) {
  if (p.innermost_kept) return reduce_columns<F>(a, p);
  const int64_t end = least(a.end * p.block, p.kept.size);
  const int64_t step = p.kept.stride[0][p.kept.axes - 1];
  each_row<1>(p.kept, a.begin * p.block, end, [&](const int64_t* at, int64_t i, int64_t n) {
    for (int64_t j = 0; j < n; ++j) a.f32(1)[i + j] = total_of<F>(p, a.f32(0) + at[0] + j * step);
  });
}

}  // namespace

void reduce(const KernelArgs& a) {
  const auto& p = a.as<ReduceParams>();
  switch (p.fn) {
    case Reduction::sum:
    case Reduction::mean:
      return reduce_with<Sum>(a, p);
    case Reduction::prod:
      return reduce_with<Product>(a, p);
    case Reduction::max:
      return reduce_with<Largest>(a, p);
    case Reduction::min:
      return reduce_with<Smallest>(a, p);
    case Reduction::any:
      return reduce_with<Any>(a, p);
    case Reduction::all:
      return reduce_with<All>(a, p);
  }
}

}  // namespace convnet::CONVNET_ISA
