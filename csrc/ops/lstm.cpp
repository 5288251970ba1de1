#include "ops/recurrent.h"

namespace convnet::ops {

namespace {

constexpr RnnKind kLstm{4, 2};

// See ops/recurrent.h; the columns of weights are those of i, f, c, o.
void infer_lstm(InferContext& c) {
  auto& p = infer_rnn(c, kLstm);
  derive_packed(c, 2, p, 0, 4, false);
  p.out = c.inputs();
  c.scratch(4 * p.H * 16 * sizeof(float));
  keep_rows(c, p, p.rows + 1);                                    // states
  keep_rows(c, p, p.rows + 1);                                    // cells
  keep_rows(c, p, 5 * p.rows);                                    // gates and activation(cell)
  if (c.has(kLstm.recurrent_dropout())) keep_rows(c, p, p.rows);  // states after dropout
}

void lstm_gradient(GradContext& g) {
  const ValueId mask = g.in(kLstm.mask()), dropout = g.in(kLstm.recurrent_dropout());
  const auto back =
      g.add("lstm_backward",
            {g.grad(0), g.grad(1), g.grad(2), g.in(2), mask, dropout, g.out(4), g.out(5)},
            backward_attrs(g, kLstm));
  for (int i = 0; i < kLstm.states; ++i)
    if (g.needs(4 + i)) g.set(4 + i, back[1 + i]);
  weight_gradients(g, kLstm, {.dz = back[0], .h = g.out(dropout == kNone ? 3 : 6)});
}

// Gradients of y and of the last states, each or none, the recurrent kernel, mask, recurrent
// dropout, and the cells and gates that lstm kept -> dz [.., T, 4 H] and the gradients of the
// initial states.
void infer_lstm_backward(InferContext& c) {
  auto& p = infer_rnn_backward(c, kLstm);
  p.packed = c.inputs();
  derive_packed(c, 3, p, 0, 4, true);
  p.out = c.inputs();
  c.scratch(3 * p.H * 16 * sizeof(float));
}

}  // namespace

CONVNET_DEFINE_OP(lstm, infer_lstm, lstm_gradient, Lanes::few);
CONVNET_DEFINE_OP(lstm_backward, infer_lstm_backward, nullptr, Lanes::few);

}  // namespace convnet::ops
