// Constraints on weights: w times a factor that depends on its norm over some axes.
#include "cpu/kernels/constrained.h"
#include "cpu/kernels/sweep.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

// Up to a vector of norms side by side.
void side_by_side(const ConstrainParams& p, float* w, int64_t n) {
  Vec squares = zero();
  for (int64_t r = 0; r < p.reduced.count; ++r) {
    const Vec x = load_some(w + place(p.reduced, r), n);
    squares = fma(x, x, squares);
  }
  for (int64_t r = 0; r < p.reduced.count; ++r) {
    float* x = w + place(p.reduced, r);
    store_some(x, n, constrained(p, load_some(x, n), squares));
  }
}

// One norm over rows of neighbouring elements.
void in_rows(const ConstrainParams& p, float* w) {
  Vec squares = zero();
  for (int64_t r = 0; r < p.reduced.count; ++r)
    for (int64_t i = 0; i < p.inner; i += kWidth) {
      const Vec x = load_some(w + place(p.reduced, r) + i, p.inner - i);
      squares = fma(x, x, squares);
    }
  squares = set1(sum(squares));
  for (int64_t r = 0; r < p.reduced.count; ++r)
    for (int64_t i = 0; i < p.inner; i += kWidth) {
      float* x = w + place(p.reduced, r) + i;
      store_some(x, p.inner - i, constrained(p, load_some(x, p.inner - i), squares));
    }
}

}  // namespace

void constrain(const KernelArgs& a) {
  const auto& p = a.as<ConstrainParams>();
  float* w = a.f32(0) + p.offset;
  if (p.kind == ConstraintKind::non_neg) {
    float* const buffers[] = {w};
    sweep(buffers, 1u, a.begin * kNonNegativeBlock, least(a.end * kNonNegativeBlock, p.inner),
          [](Vec(&v)[1]) { v[0] = max(zero(), v[0]); });
    return;
  }
  const int64_t blocks = p.inner_kept ? div_up(p.inner, kConstrainBlock) : 1;
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    float* first = w + place(p.kept, unit / blocks);
    if (!p.inner_kept) {
      in_rows(p, first);
      continue;
    }
    const int64_t begin = unit % blocks * kConstrainBlock;
    for (int64_t i = begin; i < least(begin + kConstrainBlock, p.inner); i += kWidth)
      side_by_side(p, first + i, p.inner - i);
  }
}

}  // namespace convnet::CONVNET_ISA
