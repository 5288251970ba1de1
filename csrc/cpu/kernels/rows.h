// Between rows, one for each of the 16 samples of a shard, and lanes, [feature][16]: squares of
// kWidth features are transposed in registers.
#pragma once

#include "cpu/kernels/index.h"
#include "cpu/simd/transpose.h"

namespace convnet::CONVNET_ISA {

// Features [begin, end). row(lane, f, n): features f .. f + n of a sample, n at most kWidth;
// put(f, lane, values): takes feature f of the samples from `lane` on.
template <class Row, class Put>
CONVNET_INLINE void put_lanes(int64_t begin, int64_t end, Row row, Put put) {
  for (int64_t f = begin; f < end; f += kWidth) {
    const int64_t n = least(kWidth, end - f);
    for (int lane = 0; lane < kLanes; lane += kWidth) {
      Vec square[kWidth];
      CONVNET_EACH(i, kWidth) square[i] = row(lane + i, f, n);
      transpose(square);
      // An index that is not constant would put the square into memory.
      CONVNET_EACH(i, kWidth)
        if (i < n) put(f + i, lane, square[i]);
    }
  }
}
template <class Row>
CONVNET_INLINE void to_lanes(int64_t begin, int64_t end, Row row, float* out) {
  put_lanes(begin, end, row,
            [&](int64_t f, int lane, Vec values) { store(out + f * kLanes + lane, values); });
}

// put(lane, f, n, values): takes features f .. f + n of a sample.
template <class Put>
CONVNET_INLINE void from_lanes(int64_t begin, int64_t end, const float* x, Put put) {
  for (int64_t f = begin; f < end; f += kWidth) {
    const int64_t n = least(kWidth, end - f);
    for (int lane = 0; lane < kLanes; lane += kWidth) {
      Vec square[kWidth];
      CONVNET_EACH(i, kWidth) square[i] = i < n ? load(x + (f + i) * kLanes + lane) : zero();
      transpose(square);
      CONVNET_EACH(i, kWidth) put(lane + i, f, n, square[i]);
    }
  }
}

}  // namespace convnet::CONVNET_ISA
