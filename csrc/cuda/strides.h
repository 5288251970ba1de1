// Reading operands of a broadcast result; see ops/strides.h.
#pragma once

#include "cpu/simd/vec.h"
#include "cuda/device.h"
#include "ops/strides.h"

namespace convnet::cuda {

// Where operand k has what belongs to element i of the result of one sample.
__device__ __forceinline__ int64_t place_of(const Strides& s, int k, int64_t i) {
  int64_t place = 0;
  CONVNET_UNROLLED(1)  // a division fills a page
  for (int axis = s.axes - 1; axis > 0; --axis) {
    place += i % s.extent[axis] * s.stride[k][axis];
    i /= s.extent[axis];
  }
  return place + i * s.stride[k][0];
}

}  // namespace convnet::cuda
