// Ops that go along an axis element by element: running sums, places of extremes.
#include "ops/along_axis.h"

namespace convnet::ops {

namespace {

void infer_cumsum(InferContext& c) {
  read_axis(c, c.flag("reverse", false));
  c.output_like(0);
}

// Element i is part of all sums from i on: a running sum from the other end.
void cumsum_gradient(GradContext& g) {
  Attrs attrs = g.attrs();
  attrs["reverse"] = !g.params<AxisParams>().flag;
  g.set(0, g.add1("cumsum", {g.grad()}, std::move(attrs)));
}

template <bool smallest>
void infer_place(InferContext& c) {
  const int64_t axis = read_axis(c, smallest);
  Dims shape = c.in(0).shape;
  c.check(shape[static_cast<size_t>(axis)] > 0, "there is no largest or smallest of no elements");
  if (c.flag("keepdims", false))
    shape[static_cast<size_t>(axis)] = 1;
  else
    shape.erase(shape.begin() + axis);
  c.output_like(0, shape);
}

}  // namespace

CONVNET_DEFINE_OP(cumsum, infer_cumsum, cumsum_gradient, Lanes::few);
CONVNET_DEFINE_OP(argmax, infer_place<false>, nullptr, Lanes::any);
CONVNET_DEFINE_OP(argmin, infer_place<true>, nullptr, Lanes::any);

}  // namespace convnet::ops
