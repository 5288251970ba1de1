// What ops along one axis of a sample share.
#pragma once

#include <algorithm>

#include "ops/axis.h"
#include "ops/elementwise.h"

namespace convnet::ops {

// Reads attribute `axis` (the last one by default) of input 0 and returns it counted from the
// front.
inline int64_t read_axis(InferContext& c, bool flag) {
  expect_values(c, {0});
  const Value& x = c.in(0);
  const auto rank = static_cast<int64_t>(x.shape.size());
  const int64_t given = c.integer("axis", -1), axis = given < 0 ? given + rank : given;
  c.check(0 <= axis && axis < rank,
          "axis " + std::to_string(given) + " is out of bounds for " + to_string(x.shape));
  const auto at = static_cast<size_t>(axis);
  auto& p = c.params<AxisParams>();
  p.n = x.shape[at];
  p.inner = numel(x.shape, at + 1) * x.lanes;
  p.outer = x.fold * numel(x.shape, 0, at);
  p.block = std::max<int64_t>(1, 256 / std::max<int64_t>(1, p.n));
  p.flag = flag;
  c.units(ceil_div(p.outer * ceil_div(p.inner, kLanes), p.block));
  return axis;
}

}  // namespace convnet::ops
