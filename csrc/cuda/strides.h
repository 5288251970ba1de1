// Reading operands of a broadcast result; see ops/strides.h.
#pragma once

#include "cpu/simd/vec.h"
#include "cuda/device.h"
#include "ops/strides.h"

namespace convnet::cuda {

// Where operand k has what belongs to element i of the result of one sample. Index is int where the
// result is smaller than 2^31: a division of 64 bits fills a page.
template <class Index>
CONVNET_INLINE int64_t place_of(const Strides& s, int k, Index i) {
  int64_t place = 0;
  CONVNET_UNROLLED(1)
  for (int axis = s.axes - 1; axis > 0; --axis) {
    const auto extent = static_cast<Index>(s.extent[axis]);
    place += i % extent * s.stride[k][axis];
    i /= extent;
  }
  return place + i * s.stride[k][0];
}

}  // namespace convnet::cuda
