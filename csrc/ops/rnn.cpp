// The parts of recurrent layers that are not sequential; see ops/recurrent.h.
#include "ops/rnn.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

// w [K, N] -> its columns [first, first + columns), or their transpose, as products read them.
void infer_pack(InferContext& c) {
  const Dims w = c.in(0).shape;
  auto& p = c.params<RnnPackParams>();
  const int64_t columns = c.integer("columns");
  p.first = c.integer("first");
  p.pitch = w[1];
  p.transpose = c.flag("transpose", false);
  p.gates = c.integer("gates", 0);
  p.K = p.transpose ? columns : w[0];
  p.M = p.transpose ? w[0] : columns;
  const bool one = c.lanes() == 1;
  p.row = one ? rnn_pitch(p.M) : 0;
  c.units(one ? ceil_div(p.M, kRnnPackBlock) : p.M);
  c.output(Storage::Single, {p.K, one ? p.row : p.M});
}

// x [.., K], kernel [K, M] or with `transpose` [M, K], bias [.. M] or none -> x kernel + bias [..,
// M]; of several rows of bias the first.
void infer_project(InferContext& c) {
  const Value& x = c.in(0);
  const Dims w = c.in(1).shape;
  const bool transpose = c.flag("transpose", false);
  if (c.cuda() || (c.lanes() == 1 && !transpose))
    c.append_input(kNone);
  else
    c.derive("rnn_pack", {c.in_id(1)},
             {{"first", int64_t{0}}, {"columns", w[1]}, {"transpose", transpose}});
  auto& p = c.params<RnnProjectParams>();
  p.K = transpose ? w[1] : w[0];
  p.M = transpose ? w[0] : w[1];
  p.transpose = transpose;
  p.rows = x.features() / p.K;
  p.packed = c.inputs() - 1;
  c.units(p.rows);
  c.flops(2 * p.rows * p.K * p.M);
  c.scratch(p.M * 16 * sizeof(float));
  Dims y = x.shape;
  y.back() = p.M;
  c.output_like(0, y);
  c.input_span(0, {p.K});
  c.output_span(0, {p.M});
}

// x [.., T, F], mask [.., F] -> x with every step multiplied by the mask.
void infer_dropout(InferContext& c) {
  const Value& x = c.in(0);
  auto& p = c.params<RnnDropoutParams>();
  p.F = x.shape.back();
  p.T = x.shape[x.shape.size() - 2];
  p.outer = x.features() / (p.T * p.F);
  c.units(p.outer * p.T);
  c.output_like(0);
  c.input_span(0, {p.F});
  c.output_span(0, {p.F});
}

void infer_backward_weight(InferContext& c) {
  const Value &dz = c.in(0), &x = c.in(2);
  auto& p = c.params<RnnWeightParams>();
  p.T = dz.shape[dz.shape.size() - 2];
  p.M = dz.shape.back();
  p.F = x.shape.back();
  p.H = c.integer("units");
  p.outer = dz.features() / (p.T * p.M);
  p.h_rows = c.in(3).shape[1];
  p.row = c.in(3).shape[2];
  p.split = c.has(1) || c.has(4) ? p.M - p.H : p.M;
  p.biases = c.integer("biases");
  p.go_backwards = c.flag("go_backwards", false);
  c.units(p.F + p.H + 1);
  c.flops(2 * p.outer * p.T * (p.F + p.H) * p.M);
  const Storage storage = c.sum_over_samples();
  if (storage == Storage::Slotted)
    c.scratch((round_up(p.M, 16) + 2 * round_up(p.H, 16) + 16) * kRnnRing * sizeof(float));
  c.output(storage, {p.F, p.M});
  c.output(storage, {p.H, p.M});
  c.output(storage, p.biases == 1 ? Dims{p.M} : Dims{p.biases, p.M});
}

}  // namespace

// The layers' own gradients go around rnn_project and rnn_dropout.
CONVNET_DEFINE_OP(rnn_pack, infer_pack, nullptr);
CONVNET_DEFINE_OP(rnn_project, infer_project, nullptr, Lanes::few);
CONVNET_DEFINE_OP(rnn_dropout, infer_dropout, nullptr, Lanes::few);
CONVNET_DEFINE_OP(rnn_backward_weight, infer_backward_weight, nullptr, Lanes::few);

}  // namespace convnet::ops
