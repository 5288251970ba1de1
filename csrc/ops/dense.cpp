#include "ops/dense.h"

#include "ops/epilogue.h"
#include "ops/op.h"

namespace convnet::ops {

namespace {

constexpr int64_t kTransposingRows = 8;

DenseParams& shape_params(InferContext& c, const Value& x, int64_t K, int64_t M) {
  auto& p = c.params<DenseParams>();
  p.K = K;
  p.M = M;
  p.rows = x.fold * numel(x.shape, 0, x.shape.size() - 1);
  p.activation = Activation::linear;
  p.thin = c.lanes() == 1 && !c.few() && !c.cuda() && K >= kThinInputs && M <= kThinOutputs;
  c.scope(Scope::Group);
  c.flops(2 * p.rows * K * M);
  return p;
}

void cut_into_chunks(DenseParams& p) {
  p.chunks = ceil_div(p.K, kThinChunk);
  p.chunk = round_up(ceil_div(p.K, p.chunks), 16);
}

// Leaves only the last of its sums to a dense layer of few outputs.
void add_up_chunks(InferContext& c, DenseParams& p) {
  cut_into_chunks(p);
  const ValueId transposed = c.compute("transpose", {c.in_id(1)}, {{"perm", Dims{1, 0}}})[0];
  c.derive("dense_chunks", {c.in_id(0), transposed}, {});
  c.scope(Scope::Shard);
  c.units(1);
  c.flops(0);
}

// x [..., K], kernel as [M, K] -> [..., chunks, M].
void infer_chunks(InferContext& c) {
  const Value& x = c.in(0);
  const Dims w = c.in(1).shape;
  auto& p = shape_params(c, x, w[1], w[0]);
  cut_into_chunks(p);
  c.units(p.chunks);
  Dims sums = x.shape;
  sums.back() = p.chunks;
  sums.push_back(p.M);
  c.output_like(0, sums);
}

// x [..., K], kernel [K, M], bias [M] -> [..., M].
void infer_dense(InferContext& c) {
  const Value& x = c.in(0);
  const Dims w = c.in(1).shape;
  c.check(x.storage == Storage::Batched, "the input must have a batch");
  c.check(w.size() == 2 && !x.shape.empty() && x.shape.back() == w[0],
          "input " + to_string(x.shape) + " does not fit kernel " + to_string(w));
  if (c.has(2)) c.expect_shape(2, {w[1]}, "bias");
  auto& p = shape_params(c, x, w[0], w[1]);
  p.activation = activation_of(c);
  c.units(ceil_div(p.M, c.lanes() == 1 ? kDenseUnitOfOne : kDenseUnit));
  if (p.thin) add_up_chunks(c, p);
  Dims y = x.shape;
  y.back() = w[1];
  c.output_like(0, y);
}

void dense_gradient(GradContext& g) {
  const ValueId dz = before_activation(g);
  if (g.needs(0)) g.set(0, g.add1("dense_backward_input", {dz, g.in(1)}));
  if (g.needs(1)) {
    const ValueId rows = g.value(dz).lanes == 1 ? dz : g.add1("lanes_to_rows", {dz});
    g.set(1,
          g.add1("dense_backward_weight", {g.in(0), rows}, {{"units", g.value(dz).shape.back()}}));
  }
  if (g.needs(2)) g.set(2, g.add1("sum_samples", {dz}, {{"keep", int64_t{1}}}));
}

// dy [..., M], kernel [K, M] -> dx [..., K]. Many rows of one sample pay for transposed weights.
void infer_backward_input(InferContext& c) {
  const Value& dy = c.in(0);
  const Dims w = c.in(1).shape;
  const auto& p = shape_params(c, dy, w[0], w[1]);
  const bool one = c.lanes() == 1;
  c.units(ceil_div(p.K, one ? kDenseUnitOfOne : kDenseUnit));
  c.flops(2 * p.rows * p.K * p.M);
  if (one && !c.cuda() && p.rows >= kTransposingRows)
    c.derive("rnn_pack", {c.in_id(1)},
             {{"first", int64_t{0}}, {"columns", p.M}, {"transpose", true}});
  else
    c.append_input(kNone);
  Dims x = dy.shape;
  x.back() = w[0];
  c.output_like(0, x);
}

// x [..., K], dy as rows [rows, 16, pitch], or as it is where a shard is one sample -> dw [K, M].
void infer_backward_weight(InferContext& c) {
  const Value& x = c.in(0);
  const int64_t K = x.shape.back(), M = c.integer("units");
  auto& p = shape_params(c, x, K, M);
  p.thin = p.thin && p.rows == 1;
  c.scope(Scope::Batch);
  c.units(ceil_div(K, p.thin ? kThinWeightUnit : kDenseWeightUnit));
  c.flops(2 * p.rows * K * M);
  c.output(Storage::Single, {K, M});
  c.output_span(0, {kDenseWeightUnit * M});
}

// A batched value [rows][M][16] as one row a sample: [rows][16][pitch], pitch = M rounded up to 16,
// zero beyond M.
void infer_lanes_to_rows(InferContext& c) {
  const Value& x = c.in(0);
  auto& p = c.params<DenseParams>();
  p.M = x.shape.back();
  p.rows = x.features() / p.M;
  c.units(p.rows);
  c.output(Storage::PerShard, {p.rows, 16, round_up(p.M, 16)});
}

}  // namespace

CONVNET_DEFINE_OP(dense, infer_dense, dense_gradient, Lanes::any);
CONVNET_DEFINE_OP(dense_chunks, infer_chunks, nullptr, Lanes::any);
CONVNET_DEFINE_OP(dense_backward_input, infer_backward_input, nullptr, Lanes::few);
CONVNET_DEFINE_OP(dense_backward_weight, infer_backward_weight, nullptr, Lanes::any);
CONVNET_DEFINE_OP(lanes_to_rows, infer_lanes_to_rows, nullptr);

}  // namespace convnet::ops
