// Elements of one value or another, by a condition.
#include "cpu/kernels/strides.h"

namespace convnet::CONVNET_ISA {

namespace {

template <bool repeat_c, bool repeat_a, bool repeat_b>
void choose(const KernelArgs& args, const Strides& s) {
  const int64_t end = least(args.end * kElementBlock, s.size);
  each_row<3>(s, args.begin * kElementBlock, end, [&](const int64_t* at, int64_t i, int64_t n) {
    const float *c = args.f32(0) + at[0], *a = args.f32(1) + at[1], *b = args.f32(2) + at[2];
    float* y = args.f32(3) + i;
    int64_t j = 0;
    for (; j + kWidth <= n; j += kWidth)
      store(y + j, select(row_load<repeat_c, true>(c, j, n) != 0.0f,
                          row_load<repeat_a, true>(a, j, n), row_load<repeat_b, true>(b, j, n)));
    for (; j < n; ++j)
      y[j] = c[repeat_c ? 0 : j] != 0.0f ? a[repeat_a ? 0 : j] : b[repeat_b ? 0 : j];
  });
}

template <bool repeat_c, bool repeat_a>
void choose(const KernelArgs& args, const Strides& s) {
  repeats(s, 2) ? choose<repeat_c, repeat_a, true>(args, s)
                : choose<repeat_c, repeat_a, false>(args, s);
}

}  // namespace

void where(const KernelArgs& args) {
  const auto& s = args.as<Strides>();
  const bool c = repeats(s, 0), a = repeats(s, 1);
  if (c) return a ? choose<true, true>(args, s) : choose<true, false>(args, s);
  return a ? choose<false, true>(args, s) : choose<false, false>(args, s);
}

}  // namespace convnet::CONVNET_ISA
