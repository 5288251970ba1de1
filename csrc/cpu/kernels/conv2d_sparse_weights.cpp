// Weights of the sparse backward of a convolution, in squares that are transposed: [KH, KW, C, OC]
// to [OC][KH][KW][pitch], input channels in lanes, and gradients back.
#include "cpu/kernels/tail.h"
#include "cpu/simd/transpose.h"
#include "ops/conv2d_sparse.h"

namespace convnet::CONVNET_ISA {

namespace {

// Calls square(tap, first input channel, first output channel) for the squares of units of 16
// output channels.
template <class F>
CONVNET_INLINE void for_squares(const KernelArgs& a, const SparseParams& p, F square) {
  const int64_t end = least(a.end * kLanes, p.OC);
  for (int64_t o = a.begin * kLanes; o < end; o += kWidth)
    for (int64_t tap = 0; tap < p.KH * p.KW; ++tap)
      for (int64_t c = 0; c < p.pitch(); c += kWidth) square(tap, c, o);
}

}  // namespace

void sparse_listed_pack(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  for_squares(a, p, [&](int64_t tap, int64_t c, int64_t o) {
    const float* from = a.f32(0) + (tap * p.C + c) * p.OC + o;
    Vec square[kWidth];
    CONVNET_EACH(i, kWidth) square[i] = c + i < p.C ? load_some(from + i * p.OC, p.OC - o) : zero();
    transpose(square);
    float* to = a.f32(1) + (o * p.KH * p.KW + tap) * p.pitch() + c;
    CONVNET_EACH(i, kWidth)
      if (o + i < p.OC) store(to + i * p.KH * p.row(), square[i]);
  });
}

void sparse_unpack(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  for_squares(a, p, [&](int64_t tap, int64_t c, int64_t o) {
    const float* from = a.f32(0) + (o * p.KH * p.KW + tap) * p.pitch() + c;
    Vec square[kWidth];
    CONVNET_EACH(i, kWidth) square[i] = o + i < p.OC ? load(from + i * p.KH * p.row()) : zero();
    transpose(square);
    float* to = a.f32(1) + (tap * p.C + c) * p.OC + o;
    CONVNET_EACH(i, kWidth)
      if (c + i < p.C) store_some(to + i * p.OC, p.OC - o, square[i]);
  });
}

}  // namespace convnet::CONVNET_ISA
