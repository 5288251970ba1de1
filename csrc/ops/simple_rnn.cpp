#include "ops/recurrent.h"

namespace convnet::ops {

namespace {

constexpr RnnKind kSimple{1, 1};

// See ops/recurrent.h.
void infer_simple_rnn(InferContext& c) {
  auto& p = infer_rnn(c, kSimple);
  derive_packed(c, 2, p, 0, 1, false);
  p.out = c.inputs();
  c.scratch(3 * p.H * 16 * sizeof(float));
  keep_rows(c, p, p.rows + 1);                                      // states
  if (c.has(kSimple.recurrent_dropout())) keep_rows(c, p, p.rows);  // states after dropout
}

void simple_rnn_gradient(GradContext& g) {
  const ValueId mask = g.in(kSimple.mask()), dropout = g.in(kSimple.recurrent_dropout());
  const auto back =
      g.add("simple_rnn_backward", {g.grad(0), g.grad(1), g.in(2), mask, dropout, g.out(2)},
            backward_attrs(g, kSimple));
  if (g.needs(4)) g.set(4, back[1]);
  weight_gradients(g, kSimple, {.dz = back[0], .h = g.out(dropout == kNone ? 2 : 3)});
}

// Gradients of y and of the last state, each or none, the recurrent kernel, mask, recurrent
// dropout, and the states -> dz [.., T, H] and the gradient of the initial state.
void infer_simple_rnn_backward(InferContext& c) {
  auto& p = infer_rnn_backward(c, kSimple);
  p.packed = c.inputs();
  derive_packed(c, 2, p, 0, 1, true);
  p.out = c.inputs();
  c.scratch(3 * p.H * 16 * sizeof(float));
}

}  // namespace

CONVNET_DEFINE_OP(simple_rnn, infer_simple_rnn, simple_rnn_gradient, Lanes::few);
CONVNET_DEFINE_OP(simple_rnn_backward, infer_simple_rnn_backward, nullptr, Lanes::few);

}  // namespace convnet::ops
