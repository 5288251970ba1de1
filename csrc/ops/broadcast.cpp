#include "ops/broadcast.h"

#include <algorithm>
#include <stdexcept>

#include "ops/elementwise.h"

namespace convnet::ops {

Value broadcast_of(const InferContext& c, const std::vector<const Value*>& operands) {
  Value result{.storage = Storage::Single};
  for (const Value* v : operands) {
    try {
      result.shape = broadcast(result.shape, v->shape);
    } catch (const std::invalid_argument& error) {
      c.fail(error.what());
    }
    if (v->storage != Storage::Batched) continue;
    c.check(result.storage == Storage::Single || result.fold == v->fold,
            "operands are folded differently: " + std::to_string(result.fold) + " and " +
                std::to_string(v->fold));
    result.storage = Storage::Batched;
    result.lanes = v->lanes;
    result.fold = v->fold;
  }
  return result;
}

namespace {

struct Axis {
  int64_t extent;
  std::vector<int64_t> stride;
};

// Axes of the result with the strides of each operand, none merged yet. Of each operand the last
// `inner` axes are skipped, and lanes with them.
std::vector<Axis> axes_of(const Value& result, const std::vector<const Value*>& operands,
                          size_t inner) {
  const bool batched = result.storage == Storage::Batched;
  std::vector<Axis> axes;
  if (batched) axes.push_back({result.fold, {}});
  for (int64_t extent : result.shape) axes.push_back({extent, {}});
  for (const Value* v : operands) {
    int64_t step = v->lanes;
    const size_t rank = v->shape.size() - inner, shift = axes.size() - rank;
    for (size_t i = rank; i < v->shape.size(); ++i) step *= v->shape[i];
    for (size_t i = axes.size(); i-- > 0;) {
      const int64_t extent = i >= shift ? v->shape[i - shift] : 1;
      axes[i].stride.push_back(extent == 1 ? 0 : step);
      step *= extent;
    }
    if (v->storage == Storage::Batched) axes[0].stride.back() = step;
  }
  if (!batched || inner) return axes;
  axes.push_back({result.lanes, {}});
  for (const Value* v : operands) axes.back().stride.push_back(v->storage == Storage::Batched);
  return axes;
}

bool walked_in_one_go(const Axis& outer, const Axis& inner) {
  for (size_t i = 0; i < inner.stride.size(); ++i)
    if (outer.stride[i] != inner.stride[i] * inner.extent) return false;
  return true;
}

std::vector<Axis> merge(const std::vector<Axis>& axes) {
  std::vector<Axis> merged;
  for (const Axis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!merged.empty() && walked_in_one_go(merged.back(), axis)) {
      merged.back() = {merged.back().extent * axis.extent, axis.stride};
    } else {
      merged.push_back(axis);
    }
  }
  return merged;
}

}  // namespace

Strides strides_of(const InferContext& c, const Value& result,
                   const std::vector<const Value*>& operands, size_t inner) {
  std::vector<Axis> axes = merge(axes_of(result, operands, inner));
  if (axes.empty()) axes.push_back({1, std::vector<int64_t>(operands.size(), 1)});
  c.check(axes.size() <= kMostAxes, "more than " + std::to_string(kMostAxes) + " axes");
  Strides s{.size = inner ? result.features() : floats_of(result),
            .axes = static_cast<int32_t>(axes.size())};
  for (size_t i = 0; i < axes.size(); ++i) {
    s.extent[i] = axes[i].extent;
    for (size_t k = 0; k < operands.size(); ++k) s.stride[k][i] = axes[i].stride[k];
  }
  return s;
}

ValueId sum_to(GradContext& g, ValueId grad, ValueId operand) {
  const Value &from = g.value(grad), &to = g.value(operand);
  const size_t shift = from.shape.size() - to.shape.size();
  const bool over_samples = from.storage == Storage::Batched && to.storage == Storage::Single;
  std::vector<int64_t> repeated;
  for (size_t i = 0; i < from.shape.size(); ++i) {
    // sum_samples sums over leading axes itself.
    if (i < shift && over_samples) continue;
    if (from.shape[i] != (i < shift ? 1 : to.shape[i - shift]))
      repeated.push_back(static_cast<int64_t>(i));
  }
  if (!repeated.empty())
    grad = g.add1("reduce", {grad},
                  {{"fn", std::string("sum")}, {"axes", repeated}, {"keepdims", true}});
  if (over_samples)
    return g.add1("sum_samples", {grad}, {{"keep", static_cast<int64_t>(to.shape.size())}});
  if (g.value(grad).shape == to.shape) return grad;
  return g.add1("reshape", {grad}, {{"shape", to.shape}});
}

}  // namespace convnet::ops
