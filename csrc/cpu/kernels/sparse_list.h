// The pixels that carry gradient, of one output channel and sample; see ops/conv2d_sparse.h.
#pragma once

#include <cstring>

#include "cpu/simd/vec.h"
#include "ops/conv2d_sparse.h"

namespace convnet::CONVNET_ISA {

struct List {
  int32_t count;
  const int32_t* place;
  const float* gradient;
};

CONVNET_INLINE List list_at(const SparseParams& p, const float* lists, int64_t outer, int64_t o,
                            int64_t sample) {
  const float* at = lists + ((outer * p.OC + o) * kLanes + sample) * p.list();
  int32_t count;
  std::memcpy(&count, at, sizeof count);
  return {count, reinterpret_cast<const int32_t*>(at + 16), at + 16 + p.list_part()};
}

}  // namespace convnet::CONVNET_ISA
