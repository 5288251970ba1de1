// Elements of one value or another, by a condition.
#include "ops/broadcast.h"
#include "ops/elementwise.h"

namespace convnet::ops {

namespace {

// c, a, b -> a where c is other than zero, b elsewhere.
void infer_where(InferContext& c) {
  expect_values(c, {0, 1, 2});
  const std::vector<const Value*> operands{&c.in(0), &c.in(1), &c.in(2)};
  const Value result = broadcast_of(c, operands);
  auto& s = c.params<Strides>();
  s = strides_of(c, result, operands);
  c.units(ceil_div(s.size, kElementBlock));
  c.output(result.storage, result.shape, result.fold);
}

void where_gradient(GradContext& g) {
  for (int i = 1; i <= 2; ++i) {
    if (!g.needs(i)) continue;
    const std::string fn = i == 1 ? "keep_where" : "drop_where";
    g.set(i, sum_to(g, g.add1("binary", {g.in(0), g.grad()}, {{"fn", fn}}), g.in(i)));
  }
}

}  // namespace

CONVNET_DEFINE_OP(where, infer_where, where_gradient, Lanes::any);

}  // namespace convnet::ops
