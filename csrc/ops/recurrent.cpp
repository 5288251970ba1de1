#include "ops/recurrent.h"

#include <stdexcept>

namespace convnet::ops {

namespace {

struct NamedGate {
  const char* name;
  GateFn fn;
};
constexpr NamedGate kGates[] = {
    {"linear", GateFn::linear},
    {"relu", GateFn::relu},
    {"relu6", GateFn::relu6},
    {"leaky_relu", GateFn::leaky_relu},
    {"elu", GateFn::elu},
    {"selu", GateFn::selu},
    {"sigmoid", GateFn::sigmoid},
    {"hard_sigmoid", GateFn::hard_sigmoid},
    {"tanh", GateFn::tanh},
    {"hard_tanh", GateFn::hard_tanh},
    {"softplus", GateFn::softplus},
    {"softsign", GateFn::softsign},
    {"exponential", GateFn::exponential},
};

GateFn gate_of(const InferContext& c, const char* attribute, const char* fallback) {
  const std::string name = c.text(attribute, fallback);
  std::string names;
  for (const NamedGate& gate : kGates) {
    if (name == gate.name) return gate.fn;
    names += (names.empty() ? "" : ", ") + std::string(gate.name);
  }
  c.fail(std::string(attribute) + " '" + name + "' is not supported; it must be one of " + names);
}

void fill_flags(InferContext& c, RnnParams& p) {
  p.activation = gate_of(c, "activation", "tanh");
  p.recurrent_activation = gate_of(c, "recurrent_activation", "sigmoid");
  p.go_backwards = c.flag("go_backwards", false);
  p.return_sequences = c.flag("return_sequences", false);
  p.zero_output_for_mask = c.flag("zero_output_for_mask", false);
  p.reset_after = c.flag("reset_after", true);
}

// Steps that pay for packing weights, and for no more than spreading them in the first-level cache,
// of matrices with so few floats.
constexpr int64_t kPackedSteps = 8, kSpreadSteps = 32, kSmallMatrix = 1 << 15;

// Operations of a step that make it worth to have another thread for it: of one sample, where
// weights are read as fast as they can be, and of 16.
constexpr int64_t kOperationsOfOne = 1 << 16, kOperationsOfSixteen = 1 << 18;

// What follows from outer, T and H.
void fill_sizes(InferContext& c, RnnParams& p, RnnKind kind, bool dropout) {
  const bool one = c.lanes() == 1;
  const int64_t step = 2 * kind.gates * p.H * p.H,
                threads = one ? step / kOperationsOfOne : step * 16 / kOperationsOfSixteen;
  // What is not shared: a product that needs the reset of all units, dropout of the whole state.
  p.shared = threads > 1 && !dropout && (kind.gates != 3 || p.reset_after);
  if (p.shared) c.shared(threads);
  p.row = one ? round_up(p.H, 16) : p.H * 16;
  c.units(one ? p.outer * p.T : p.outer);
  if (one) c.ordered();
  c.flops(2 * p.outer * p.T * kind.gates * p.H * p.H);
}

Dims with(Dims lead, std::initializer_list<int64_t> last) {
  lead.insert(lead.end(), last);
  return lead;
}

void expect_batched(const InferContext& c, int i, const Dims& shape, const char* what) {
  if (!c.has(i)) return;
  c.check(c.in(i).storage == Storage::Batched && c.in(i).fold == c.in(0).fold,
          std::string(what) + " must have the batch of the input");
  c.expect_shape(i, shape, what);
}

void check_operands(const InferContext& c, RnnKind kind, bool two_biases) {
  c.check(c.inputs() == kind.operands(), "takes " + std::to_string(kind.operands()) +
                                             " inputs, absent ones as none; got " +
                                             std::to_string(c.inputs()));
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched && x.shape.size() >= 2,
          "the input must have a batch and a shape (steps, features), got " + to_string(x.shape));
  const Dims lead(x.shape.begin(), x.shape.end() - 2), recurrent = c.in(2).shape;
  const int64_t T = x.shape[lead.size()], F = x.shape.back();
  c.check(T > 0 && F > 0, "there must be a step and a feature, got input " + to_string(x.shape));
  c.check(recurrent.size() == 2 && recurrent[0] > 0 && recurrent[1] == kind.gates * recurrent[0],
          "the recurrent kernel must have shape (units, " + std::to_string(kind.gates) +
              " * units), got " + to_string(recurrent));
  const int64_t H = recurrent[0], columns = recurrent[1];
  c.expect_shape(1, {F, columns}, "the kernel");
  if (c.has(3)) c.expect_shape(3, two_biases ? Dims{2, columns} : Dims{columns}, "the bias");
  for (int i = 0; i < kind.states; ++i)
    expect_batched(c, 4 + i, with(lead, {H}), "an initial state");
  expect_batched(c, kind.mask(), with(lead, {T}), "the mask");
  expect_batched(c, kind.dropout(), with(lead, {F}), "the dropout mask");
  expect_batched(c, kind.recurrent_dropout(), with(lead, {H}), "the recurrent dropout mask");
}

}  // namespace

RnnParams& infer_rnn(InferContext& c, RnnKind kind) {
  auto& p = c.params<RnnParams>();
  fill_flags(c, p);
  check_operands(c, kind, kind.gates == 3 && p.reset_after);
  const Value& x = c.in(0);
  const Dims lead(x.shape.begin(), x.shape.end() - 2);
  p.T = x.shape[lead.size()];
  p.H = c.in(2).shape[0];
  p.outer = x.fold * numel(lead);
  p.rows = c.flag("gradient", true) ? p.T : 1;
  fill_sizes(c, p, kind, c.has(kind.recurrent_dropout()));
  ValueId input = c.in_id(0);
  if (c.has(kind.dropout())) {
    c.derive("rnn_dropout", {input, c.in_id(kind.dropout())}, {});
    input = c.in_id(c.inputs() - 1);
  }
  c.derive("rnn_project", {input, c.in_id(1), c.in_id(3)}, {});
  p.xw = c.inputs() - 1;
  p.packed = p.xw + 1;
  c.output_like(0, p.return_sequences ? with(lead, {p.T, p.H}) : with(lead, {p.H}));
  for (int i = 0; i < kind.states; ++i) c.output_like(0, with(lead, {p.H}));
  if (c.lanes() != 1 || p.outer != 1) return p;
  // A unit is a step: it takes a row of x, as x W + b, and gives one of y.
  c.input_span(0, {x.shape.back(), p.go_backwards});
  c.input_span(static_cast<size_t>(p.xw), {kind.gates * p.H, p.go_backwards});
  if (p.return_sequences) c.output_span(0, {p.H});
  return p;
}

RnnParams& infer_rnn_backward(InferContext& c, RnnKind kind) {
  auto& p = c.params<RnnParams>();
  fill_flags(c, p);
  const Dims lead = c.dims("lead");
  const int64_t fold = c.integer("fold");
  p.T = p.rows = c.integer("steps");
  p.H = c.integer("units");
  p.outer = fold * numel(lead);
  fill_sizes(c, p, kind, c.flag("dropout", false));
  c.output(Storage::Batched, with(lead, {p.T, kind.gates * p.H}), fold);
  for (int i = 0; i < kind.states; ++i) c.output(Storage::Batched, with(lead, {p.H}), fold);
  keep_rows(c, p, 2);
  if (c.lanes() != 1 || p.outer != 1) return p;
  // Units begin with the last step.
  if (p.return_sequences) c.input_span(0, {p.H, true});
  c.output_span(0, {kind.gates * p.H, !p.go_backwards});
  return p;
}

Attrs backward_attrs(GradContext& g, RnnKind kind) {
  const auto& p = g.params<RnnParams>();
  if (p.rows != p.T)
    throw std::invalid_argument("a recurrent layer recorded with gradient = false has no gradient");
  const Value& x = g.value(g.in(0));
  Attrs attrs = g.attrs();
  attrs["lead"] = Dims(x.shape.begin(), x.shape.end() - 2);
  attrs["fold"] = x.fold;
  attrs["steps"] = p.T;
  attrs["units"] = p.H;
  attrs["dropout"] = g.in(kind.recurrent_dropout()) != kNone;
  return attrs;
}

void keep_rows(InferContext& c, const RnnParams& p, int64_t rows) {
  c.output(Storage::PerShard, {p.outer, rows, p.row});
}

void derive_packed(InferContext& c, int recurrent, const RnnParams& p, int first, int count,
                   bool transpose) {
  // Of one sample, rows that begin in the middle of a cache line cost more than packing them does;
  // so do, in many steps, rows that share sets of the first-level cache, which would hold a part of
  // small matrices from step to step.
  const int64_t pitch = c.in(recurrent).shape[1];
  const bool aligned = pitch % 16 == 0,
             spread = pitch == rnn_pitch(pitch) || p.H * pitch > kSmallMatrix;
  const int64_t steps = !aligned ? kPackedSteps : !spread ? kSpreadSteps : INT64_MAX;
  if (c.cuda() || (c.lanes() == 1 && p.T < steps)) return c.append_input(kNone);
  c.derive("rnn_pack", {c.in_id(recurrent)},
           {{"first", first * p.H},
            {"columns", count * p.H},
            {"gates", int64_t{c.lanes() != 1 && p.shared ? (transpose ? 1 : count) : 0}},
            {"transpose", transpose && c.lanes() != 1}});
}

void weight_gradients(GradContext& g, RnnKind kind, const RnnFlow& flow) {
  const ValueId dropout = g.in(kind.dropout()),
                x = dropout == kNone ? g.in(0) : g.in(kind.operands());
  if (g.needs(0)) {
    const ValueId dx = g.add1("rnn_project", {flow.dz, g.in(1), kNone}, {{"transpose", true}});
    g.set(0, dropout == kNone ? dx : g.add1("rnn_dropout", {dx, dropout}));
  }
  if (!g.needs(1) && !g.needs(2) && !g.needs(3)) return;
  const int64_t biases = g.in(3) == kNone ? 1 : static_cast<int64_t>(g.value(g.in(3)).shape.size());
  const auto weights = g.add("rnn_backward_weight", {flow.dz, flow.inner_dz, x, flow.h, flow.inner},
                             {{"units", g.params<RnnParams>().H},
                              {"biases", biases},
                              {"go_backwards", g.params<RnnParams>().go_backwards}});
  for (int i = 0; i < 3; ++i)
    if (g.needs(1 + i)) g.set(1 + i, weights[i]);
}

}  // namespace convnet::ops
