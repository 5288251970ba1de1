#pragma once

#include <cstdint>

namespace convnet {

enum class ConstraintKind : int32_t { non_neg, unit_norm, max_norm, min_max_norm };

constexpr int kConstrainRank = 8;

// Axes of a loop over part of an array: the last one moves fastest.
struct StridedAxes {
  int64_t rank, count;
  int64_t size[kConstrainRank], stride[kConstrainRank];
};

// One variable within a flat buffer. Norms are taken over `reduced` axes for each place of `kept`
// ones; `inner` neighbouring elements belong to the kept axes (`inner_kept`) or to the reduced
// ones.
struct ConstrainParams {
  ConstraintKind kind;
  bool inner_kept;
  int64_t offset, inner;
  StridedAxes kept, reduced;
  float least, most, rate, epsilon;
};

constexpr int64_t kConstrainBlock = 16;      // neighbouring norms of a unit
constexpr int64_t kNonNegativeBlock = 4096;  // elements of a unit

}  // namespace convnet
