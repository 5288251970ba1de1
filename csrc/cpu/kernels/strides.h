// Walks a broadcast result row by row; see ops/strides.h.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/strides.h"

namespace convnet::CONVNET_ISA {

// Calls row(at, i, n) for runs of n elements from element i of the result on, where operand k is to
// be read from at[k] on. Runs end where the innermost axis does.
template <int N, class Row>
CONVNET_INLINE void each_row(const Strides& s, int64_t begin, int64_t end, Row row) {
  const int last = s.axes - 1;
  const int64_t width = s.extent[last], rows = last ? s.extent[last - 1] : 1;
  for (int64_t i = begin; i < end;) {
    int64_t at[N] = {}, rest = i / width, column = i % width;
    const int64_t first = rest % rows;
    for (int axis = last - 1; axis >= 0; --axis) {
      const int64_t index = rest % s.extent[axis];
      rest /= s.extent[axis];
      for (int k = 0; k < N; ++k) at[k] += index * s.stride[k][axis];
    }
    // Rows of one plane follow each other without a division.
    for (int64_t r = first; r < rows && i < end; ++r) {
      const int64_t n = least(width - column, end - i);
      int64_t from[N];
      for (int k = 0; k < N; ++k) from[k] = at[k] + column * s.stride[k][last];
      row(from, i, n);
      i += n;
      column = 0;
      if (last)
        for (int k = 0; k < N; ++k) at[k] += s.stride[k][last - 1];
    }
  }
}

// Operand k is the same along the innermost axis.
CONVNET_INLINE bool repeats(const Strides& s, int k) { return s.stride[k][s.axes - 1] == 0; }

// Element j of a row, and those after it: one number for all where the operand repeats.
template <bool repeated, bool whole>
CONVNET_INLINE Vec row_load(const float* row, int64_t j, int64_t n) {
  if constexpr (repeated) return set1(*row);
  return load_part<whole>(row + j, n - j);
}

}  // namespace convnet::CONVNET_ISA
