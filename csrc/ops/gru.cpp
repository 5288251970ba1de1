#include "ops/recurrent.h"

namespace convnet::ops {

namespace {

constexpr RnnKind kGru{3, 1};

bool reset_after(const GradContext& g) { return g.params<RnnParams>().reset_after; }

// See ops/recurrent.h; the columns of weights are those of z, r, h. With `reset_after` (the
// default) the bias has two rows, the input's and the state's.
void infer_gru(InferContext& c) {
  auto& p = infer_rnn(c, kGru);
  derive_packed(c, 2, p, 0, 2, false);
  derive_packed(c, 2, p, 2, 1, false);
  p.out = c.inputs();
  c.scratch(3 * p.H * 16 * sizeof(float));
  keep_rows(c, p, p.rows + 1);                                   // states
  keep_rows(c, p, 4 * p.rows);                                   // gates
  if (!p.reset_after) keep_rows(c, p, p.rows);                   // states after the reset
  if (c.has(kGru.recurrent_dropout())) keep_rows(c, p, p.rows);  // states after dropout
}

void gru_gradient(GradContext& g) {
  const ValueId mask = g.in(kGru.mask()), dropout = g.in(kGru.recurrent_dropout());
  const bool after = reset_after(g);
  const ValueId states = g.out(2), dropped = dropout == kNone ? kNone : g.out(after ? 4 : 5);
  const auto back = g.add("gru_backward",
                          {g.grad(0), g.grad(1), g.in(2), mask, dropout, states, g.out(3), dropped},
                          backward_attrs(g, kGru));
  if (g.needs(4)) g.set(4, back[1]);
  weight_gradients(g, kGru,
                   {.dz = back[0],
                    .h = dropped == kNone ? states : dropped,
                    .inner_dz = after ? back[3] : kNone,
                    .inner = after ? kNone : g.out(4)});
}

// Gradients of y and of the last state, each or none, the recurrent kernel, mask, recurrent
// dropout, and what gru kept -> dz
// [.., T, 3 H], the gradient of the initial state and, with `reset_after`, that of the candidate's
// recurrent product.
void infer_gru_backward(InferContext& c) {
  auto& p = infer_rnn_backward(c, kGru);
  p.packed = c.inputs();
  derive_packed(c, 2, p, 0, 2, true);
  derive_packed(c, 2, p, 2, 1, true);
  p.out = c.inputs();
  c.scratch(4 * p.H * 16 * sizeof(float));
  if (p.reset_after) keep_rows(c, p, p.T);
}

}  // namespace

CONVNET_DEFINE_OP(gru, infer_gru, gru_gradient, Lanes::few);
CONVNET_DEFINE_OP(gru_backward, infer_gru_backward, nullptr, Lanes::few);

}  // namespace convnet::ops
