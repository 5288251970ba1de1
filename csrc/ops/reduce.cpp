// Sums, means, extremes and products along axes of a sample.
#include "ops/reduce.h"

#include <algorithm>

#include "ops/elementwise.h"

namespace convnet::ops {

namespace {

constexpr auto kNames =
    std::to_array<const char*>({"sum", "mean", "max", "min", "prod", "any", "all"});

uint32_t reduced_axes(const InferContext& c, const Dims& shape) {
  const auto rank = static_cast<int64_t>(shape.size());
  c.check(rank <= 31, "more than 31 axes");
  if (!c.has_attr("axes")) return (1u << rank) - 1;
  uint32_t mask = 0;
  for (int64_t axis : c.dims("axes")) {
    c.check(-rank <= axis && axis < rank,
            "axis " + std::to_string(axis) + " is out of bounds for " + to_string(shape));
    const uint32_t bit = 1u << (axis < 0 ? axis + rank : axis);
    c.check(!(mask & bit), "axis " + std::to_string(axis) + " is given twice");
    mask |= bit;
  }
  return mask;
}

Dims reduced_shape(const Dims& shape, uint32_t axes, bool keepdims) {
  Dims result;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!(axes >> i & 1))
      result.push_back(shape[i]);
    else if (keepdims)
      result.push_back(1);
  }
  return result;
}

// Prepends an axis, merged with the next one where both are walked in one go.
void prepend(const InferContext& c, Strides& s, int64_t extent, int64_t stride) {
  s.size *= extent;
  if (extent == 1) return;
  if (s.axes && s.stride[0][0] * s.extent[0] == stride) {
    s.extent[0] *= extent;
    return;
  }
  c.check(s.axes < kMostAxes, "more than " + std::to_string(kMostAxes) + " axes");
  for (int i = s.axes++; i > 0; --i)
    s.extent[i] = s.extent[i - 1], s.stride[0][i] = s.stride[0][i - 1];
  s.extent[0] = extent;
  s.stride[0][0] = stride;
}

void walk(InferContext& c, const Value& x, ReduceParams& p) {
  p.kept.size = p.reduced.size = 1;
  int64_t stride = 1;
  const auto axis = [&](Strides& s, int64_t extent) {
    prepend(c, s, extent, stride);
    stride *= extent;
  };
  if (x.lanes > 1) axis(p.kept, x.lanes);
  for (size_t i = x.shape.size(); i-- > 0;) axis(p.axes >> i & 1 ? p.reduced : p.kept, x.shape[i]);
  axis(p.kept, x.fold);
  p.innermost_kept = !p.reduced.axes || p.reduced.stride[0][p.reduced.axes - 1] != 1;
  for (Strides* s : {&p.kept, &p.reduced})
    if (!s->axes) s->axes = 1, s->extent[0] = 1, s->stride[0][0] = 1;
}

ReduceParams& read_params(InferContext& c) {
  const Value& x = c.in(0);
  auto& p = c.params<ReduceParams>();
  p.fn = static_cast<Reduction>(index_of(c, c.text("fn", ""), kNames));
  p.axes = reduced_axes(c, x.shape);
  walk(c, x, p);
  p.divisor = p.fn == Reduction::mean ? static_cast<float>(p.reduced.size) : 1.0f;
  c.check(p.reduced.size > 0 || (p.fn != Reduction::max && p.fn != Reduction::min),
          "there is no largest or smallest of no elements");
  p.block = std::max<int64_t>(1, kElementBlock / std::max<int64_t>(1, p.reduced.size));
  if (p.innermost_kept) p.block = round_up(p.block, kLanes);
  c.units(ceil_div(p.kept.size, p.block));
  return p;
}

void infer_reduce(InferContext& c) {
  expect_values(c, {0});
  const uint32_t axes = read_params(c).axes;
  c.output_like(0, reduced_shape(c.in(0).shape, axes, c.flag("keepdims", false)));
}

// x, its extremes, their gradient -> gradient of x.
void infer_extreme_backward(InferContext& c) {
  expect_values(c, {0, 1, 2});
  read_params(c);
  c.output_like(0);
}

// The gradient as if reduced axes had been kept with extent 1.
ValueId with_kept_axes(GradContext& g, ValueId v) {
  const Dims shape = reduced_shape(g.value(g.in(0)).shape, g.params<ReduceParams>().axes, true);
  if (g.value(v).shape == shape) return v;
  return g.add1("reshape", {v}, {{"shape", shape}});
}

ValueId binary(GradContext& g, const char* fn, ValueId a, ValueId b) {
  return g.add1("binary", {a, b}, {{"fn", std::string(fn)}});
}

ValueId reduce_again(GradContext& g, const char* fn, ValueId x) {
  Attrs attrs = g.attrs();
  attrs["fn"] = std::string(fn);
  attrs["keepdims"] = true;
  return g.add1("reduce", {x}, std::move(attrs));
}

// The product of the others: of those that are not zero, divided by the element itself, where it is
// not zero and none is; or where it is the only zero.
ValueId product_gradient(GradContext& g, ValueId dy) {
  const ValueId x = g.in(0);
  const ValueId zero = g.add1("unary", {x}, {{"fn", std::string("logical_not")}});
  const ValueId filled = binary(g, "add", x, zero);
  const ValueId others = binary(g, "divide", reduce_again(g, "prod", filled), filled);
  const ValueId counts = binary(g, "equal", reduce_again(g, "sum", zero), zero);
  return binary(g, "multiply", binary(g, "multiply", counts, others), dy);
}

void reduce_gradient(GradContext& g) {
  const auto& p = g.params<ReduceParams>();
  if (p.fn == Reduction::any || p.fn == Reduction::all) return;
  if (p.fn == Reduction::max || p.fn == Reduction::min)
    return g.set(0, g.add1("extreme_backward", {g.in(0), g.out(), g.grad()}, g.attrs()));
  ValueId dy = with_kept_axes(g, g.grad());
  if (p.fn == Reduction::prod) return g.set(0, product_gradient(g, dy));
  if (p.fn == Reduction::mean)
    dy = g.add1("unary", {dy}, {{"fn", std::string("affine")}, {"alpha", 1.0 / p.divisor}});
  g.set(0, g.add1("broadcast_to", {dy}, {{"shape", g.value(g.in(0)).shape}}));
}

}  // namespace

CONVNET_DEFINE_OP(reduce, infer_reduce, reduce_gradient, Lanes::any);
CONVNET_DEFINE_OP(extreme_backward, infer_extreme_backward, nullptr, Lanes::any);

}  // namespace convnet::ops
