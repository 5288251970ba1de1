// What a constraint makes of a weight, and where the weights that share a norm are.
#pragma once

#include "cpu/simd/vec.h"
#include "ops/constrain.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE int64_t place(const StridedAxes& axes, int64_t index) {
  if (axes.rank == 1) return index * axes.stride[0];
  int64_t at = 0;
  for (int64_t d = axes.rank - 1; d >= 0; --d) {
    at += index % axes.size[d] * axes.stride[d];
    index /= axes.size[d];
  }
  return at;
}

// w scaled to the norm that is wanted; `squares`: sum of its squares.
CONVNET_INLINE Vec constrained(const ConstrainParams& p, Vec w, Vec squares) {
  const Vec norm = sqrt(squares), divisor = set1(p.epsilon) + norm;
  if (p.kind == ConstraintKind::unit_norm) return w / divisor;
  Vec wanted = min(set1(p.most), max(set1(p.least), norm));
  if (p.kind == ConstraintKind::min_max_norm)
    wanted = set1(p.rate) * wanted + set1(1.0f - p.rate) * norm;
  return w * (wanted / divisor);
}

}  // namespace convnet::CONVNET_ISA
