// Reading operands of a broadcast result; see ops/strides.h.
#pragma once

#include "cpu/simd/vec.h"
#include "cuda/divide.h"
#include "ops/strides.h"

namespace convnet::cuda {

// Where operand k has what belongs to element i of the result of one sample.
CONVNET_CALLED int64_t place_along_axes(const Strides& s, int k, int64_t i) {
  int64_t place = 0;
  CONVNET_UNROLLED(1)
  for (int axis = s.axes - 1; axis > 0; --axis) {
    const auto [outer, at] = divide(i, s.extent[axis]);
    place += at * s.stride[k][axis];
    i = outer;
  }
  return place + i * s.stride[k][0];
}
// The strides are part of a CONVNET_PARAMETER.
__device__ __forceinline__ int64_t place_of(const Strides& s, int k, int64_t i) {
  return s.axes == 1 ? i * s.stride[k][0] : place_along_axes(s, k, i);
}

}  // namespace convnet::cuda
