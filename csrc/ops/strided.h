// Data movement as strided reads: transpose, slice, reverse and tile differ in the strides only.
#pragma once

#include <cstdint>

namespace convnet {

constexpr int kStridedRank = 8;

// out, in row-major order, takes in[first + sum of index * stride]; all in features. The last axis
// is a row; the others are walked as an odometer.
struct StridedParams {
  int64_t rank;  // at least 1
  int64_t size[kStridedRank], stride[kStridedRank];
  int64_t first;
  int64_t rows, rows_per_unit;
  bool squares;  // of single numbers, two axes of which the first has stride 1: taken in squares
};

// concat: `outer` rows; behind the block for each input: features of a row, and how many rows it
// has where it is Single and the result is not (0 otherwise).
struct ConcatParams {
  int64_t inputs, outer, row;
};

// pad: axis d of the result has size[d] places, of which begin[d] + step[d] * (0 .. count[d]) hold
// the input and the others `value`. A place is `run` features.
struct PadParams {
  int64_t rank;  // at least 1
  int64_t size[kStridedRank], begin[kStridedRank], count[kStridedRank], step[kStridedRank];
  int64_t run;
  int64_t rows, rows_per_unit;
  float value;
};

constexpr int64_t kMovedBlock = 512;       // features of a unit, about
constexpr int64_t kColumnsOfSquares = 64;  // columns of a unit where squares are transposed

}  // namespace convnet
