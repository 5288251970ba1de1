// Values repeated along axes, and over samples.
#include "ops/broadcast_to.h"

#include "ops/broadcast.h"
#include "ops/elementwise.h"

namespace convnet::ops {

namespace {

// x, and optionally a value `like`: where that one has a batch, so has the result.
void infer_broadcast_to(InferContext& c) {
  expect_values(c, {0});
  const Value& x = c.in(0);
  const Value target{.storage = Storage::Single, .shape = c.dims("shape")};
  std::vector<const Value*> operands{&x, &target};
  Value like;
  if (c.has(1)) {
    expect_values(c, {1});
    like = c.in(1);
    like.shape = {};
    operands.push_back(&like);
  }
  const Value result = broadcast_of(c, operands);
  c.check(result.shape == target.shape,
          "cannot repeat " + to_string(x.shape) + " to " + to_string(target.shape));
  auto& p = c.params<BroadcastToParams>();
  p.strides = strides_of(c, result, {&x});
  p.output = c.inputs();
  c.units(ceil_div(p.strides.size, kElementBlock));
  c.output(result.storage, result.shape, result.fold);
}

void broadcast_to_gradient(GradContext& g) { g.set(0, sum_to(g, g.grad(), g.in(0))); }

}  // namespace

CONVNET_DEFINE_OP(broadcast_to, infer_broadcast_to, broadcast_to_gradient, Lanes::any);

}  // namespace convnet::ops
