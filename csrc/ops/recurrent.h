// What lstm, gru and simple_rnn share beside their kernels.
//
// Operands: x [.., T, F], kernel [F, G H], recurrent kernel [H, G H], bias or none, the initial
// states [.., H] or none (zeros), mask [.., T] (0: a masked step), dropout of x [.., F], dropout of
// the state [.., H], each or none. All must be given, absent ones as none. Attributes: activation,
// recurrent_activation, go_backwards, return_sequences, zero_output_for_mask, reset_after (gru),
// and gradient (true; false saves the memory of what a gradient would need). Results: y [.., T, H]
// or [.., H], the last states [.., H], and what the gradient needs.
#pragma once

#include "ops/op.h"
#include "ops/rnn.h"

namespace convnet::ops {

// A recurrent layer with `gates` columns of weights a unit and `states` states.
struct RnnKind {
  int gates, states;

  int mask() const { return 4 + states; }
  int dropout() const { return 5 + states; }
  int recurrent_dropout() const { return 6 + states; }
  int operands() const { return 7 + states; }
};

// Checks the operands, derives x W + b and declares y and the last states.
RnnParams& infer_rnn(InferContext& c, RnnKind kind);
// Fills the parameters of a gradient op, whose attributes are those that backward_attrs gives, and
// declares dz, the gradients of the initial states and two rows of gradients that go around a step.
RnnParams& infer_rnn_backward(InferContext& c, RnnKind kind);
Attrs backward_attrs(GradContext& g, RnnKind kind);

// Declares a result for the gradient only: `rows` rows of the state a sequence.
void keep_rows(InferContext& c, const RnnParams& p, int64_t rows);
// The recurrent weights' columns [first, first + count) of H each, or their transpose, packed. Of
// one sample the transpose is read as the columns are, and both, where that pays, where they lie.
void derive_packed(InferContext& c, int recurrent, const RnnParams& p, int first, int count,
                   bool transpose);

// What a layer's gradient op leaves for the gradients of its input and weights.
struct RnnFlow {
  ValueId dz;                // of x W + b
  ValueId h;                 // the states, before each step, that met the recurrent weights
  ValueId inner_dz = kNone;  // of the candidate's recurrent product, where not the last part of dz
  ValueId inner = kNone;     // what met the candidate's recurrent weights, where not h
};
void weight_gradients(GradContext& g, RnnKind kind, const RnnFlow& flow);

}  // namespace convnet::ops
