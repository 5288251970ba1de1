// The forms of conv2d_backward_weight.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/conv2d_weight.h"

namespace convnet::CONVNET_ISA {

// Result rows or columns [low, high) whose source, `offset` from j * stride, lies inside the image:
// 0 <= j * stride + offset < size.
struct Range {
  int64_t low, high;
};
CONVNET_INLINE Range valid(int64_t size, int64_t out, int64_t stride, int64_t offset) {
  const auto first = [&](int64_t x) { return stride == 1 ? x : div_up(x, stride); };
  const int64_t low = offset >= 0 ? 0 : first(-offset);
  const int64_t high = offset >= size ? 0 : first(size - offset);
  return {low, most(low, least(high, out))};
}

// Output channels in lanes.
void weight_by_channels(const KernelArgs& a, const Conv2dWeightParams& p);
void weight_by_winograd(const KernelArgs& a, const Conv2dWeightParams& p);

}  // namespace convnet::CONVNET_ISA
