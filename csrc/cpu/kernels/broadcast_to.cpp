// Values repeated along axes, and over samples.
#include "ops/broadcast_to.h"

#include "cpu/kernels/strides.h"

namespace convnet::CONVNET_ISA {

namespace {

template <bool repeated>
void fill(const KernelArgs& a, const BroadcastToParams& p) {
  const int64_t end = least(a.end * kElementBlock, p.strides.size);
  each_row<1>(p.strides, a.begin * kElementBlock, end,
              [&](const int64_t* at, int64_t i, int64_t n) {
                const float* x = a.f32(0) + at[0];
                float* y = a.f32(p.output) + i;
                int64_t j = 0;
                for (; j + kWidth <= n; j += kWidth)
                  store(y + j, row_load<repeated, true>(x, j, n));
                for (; j < n; ++j) y[j] = repeated ? *x : x[j];
              });
}

}  // namespace

void broadcast_to(const KernelArgs& a) {
  const auto& p = a.as<BroadcastToParams>();
  if (repeats(p.strides, 0)) return fill<true>(a, p);
  fill<false>(a, p);
}

}  // namespace convnet::CONVNET_ISA
