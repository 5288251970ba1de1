// softmax and log_softmax along an axis.
#include "ops/along_axis.h"

namespace convnet::ops {

namespace {

template <bool log>
void infer_softmax(InferContext& c) {
  read_axis(c, log);
  c.output_like(0);
}

template <bool log>
void softmax_gradient(GradContext& g) {
  Attrs attrs = g.attrs();
  attrs["log"] = log;
  g.set(0, g.add1("softmax_backward", {g.out(), g.grad()}, std::move(attrs)));
}

// y, dy -> dx.
void infer_backward(InferContext& c) {
  read_axis(c, c.flag("log", false));
  c.expect_shape(1, c.in(0).shape, "dy");
  c.output_like(0);
}

}  // namespace

CONVNET_DEFINE_OP(softmax, infer_softmax<false>, softmax_gradient<false>, Lanes::any);
CONVNET_DEFINE_OP(log_softmax, infer_softmax<true>, softmax_gradient<true>, Lanes::any);
CONVNET_DEFINE_OP(softmax_backward, infer_backward, nullptr, Lanes::few);

}  // namespace convnet::ops
