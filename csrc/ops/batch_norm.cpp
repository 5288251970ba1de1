// Batch normalisation. In training, `batch_norm_train` brings its statistics with it: moments of
// each shard, their combination over the batch, and at the end of the step an update of the moving
// averages. Its gradient takes the statistics' dependence on x into account, so that those ops need
// no gradient of their own.
#include "ops/batch_norm.h"

#include <algorithm>

#include "ops/op.h"

namespace convnet::ops {

namespace {

BatchNormParams& read_params(InferContext& c) {
  const Value& x = c.in(0);
  c.check(!x.shape.empty() && x.shape.back() > 0,
          "expects an axis of channels, got " + to_string(x.shape));
  auto& p = c.params<BatchNormParams>();
  p.channels = x.shape.back();
  p.rows = x.features() / p.channels;
  p.rows_per_unit = std::max<int64_t>(1, kBatchNormBlock / p.channels);
  p.epsilon = static_cast<float>(c.real("epsilon", 1e-3));
  return p;
}

void expect_channels(InferContext& c, std::initializer_list<int> inputs) {
  for (int i : inputs)
    if (c.has(i)) c.expect_shape(i, {c.in(0).shape.back()}, "a weight");
}

// Units of rows, and room for three numbers a channel.
void over_rows(InferContext& c, const BatchNormParams& p) {
  c.units(ceil_div(p.rows, p.rows_per_unit));
  c.scratch(3 * sizeof(float) * static_cast<size_t>(round_up(p.channels, 16)));
}

// x, gamma|None, beta|None, mean|None, variance -> (x - mean) / sqrt(variance + epsilon) * gamma +
// beta.
void infer_inference(InferContext& c) {
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched || x.storage == Storage::Single,
          std::string("cannot normalise a ") + name_of(x.storage) + " value");
  auto& p = read_params(c);
  expect_channels(c, {1, 2, 3, 4});
  p.mean = 3;
  over_rows(c, p);
  c.output_like(0);
}

// x, gamma|None, beta|None, moving_mean, moving_variance; momentum, epsilon. The statistics follow
// as inputs 5 and 6.
void infer_train(InferContext& c) {
  c.check(c.in(0).storage == Storage::Batched, "statistics are those of a batch");
  auto& p = read_params(c);
  expect_channels(c, {1, 2, 3, 4});
  p.mean = 5;
  over_rows(c, p);
  const ValueId moments = c.compute("batch_norm_moments", {c.in_id(0)}, {})[0];
  const auto statistics = c.compute("batch_norm_combine", {moments}, {{"rows", p.rows}});
  for (ValueId id : statistics) c.append_input(id);
  c.update("batch_norm_update", {statistics[0], statistics[1], c.in_id(3), c.in_id(4)},
           {{"momentum", c.real("momentum", 0.99)}});
  c.output_like(0);
}

// x -> mean and sum of squared differences from it, of each channel over the live samples of a
// shard.
void infer_moments(InferContext& c) {
  const auto& p = read_params(c);
  c.units(ceil_div(p.channels, kBatchNormChannels));
  c.output(Storage::PerShard, {2, p.channels});
}

// PerShard pairs of rows of numbers -> two rows for the batch.
void infer_combine(InferContext& c) {
  auto& p = c.params<BatchNormParams>();
  p.channels = c.in(0).shape[1];
  p.rows = c.integer("rows");
  c.scope(Scope::Batch);
  c.units(ceil_div(p.channels, kBatchNormCombined));
  c.output(Storage::Single, {p.channels});
  c.output(Storage::Single, {p.channels});
}

// mean, variance, moving_mean, moving_variance.
void infer_update(InferContext& c) {
  auto& p = c.params<BatchNormUpdateParams>();
  p.channels = c.in(0).features();
  p.momentum = static_cast<float>(c.real("momentum"));
  c.scope(Scope::Batch);
  c.impure();
}

// x, dy, mean, variance -> of each channel over a shard: sum of dy, sum of dy times normalised x.
void infer_backward_sums(InferContext& c) {
  auto& p = read_params(c);
  p.mean = 2;
  c.units(ceil_div(p.channels, kBatchNormChannels));
  c.output(Storage::PerShard, {2, p.channels});
}

// x, dy, gamma|None, mean, variance, sum of dy, sum of dy times normalised x -> dx.
void infer_backward_input(InferContext& c) {
  auto& p = read_params(c);
  p.mean = 3;
  over_rows(c, p);
  c.output_like(0);
}

// Gradients of beta and gamma.
std::vector<ValueId> weight_gradients(GradContext& g, int mean) {
  const auto& p = g.params<BatchNormParams>();
  const Attrs epsilon = {{"epsilon", static_cast<double>(p.epsilon)}};
  const ValueId sums =
      g.add1("batch_norm_backward_sums", {g.in(0), g.grad(), g.in(mean), g.in(mean + 1)}, epsilon);
  const auto totals = g.add("batch_norm_backward_combine", {sums}, {{"rows", p.rows}});
  if (g.needs(1)) g.set(1, totals[1]);
  if (g.needs(2)) g.set(2, totals[0]);
  return totals;
}

void train_gradient(GradContext& g) {
  const auto totals = weight_gradients(g, 5);
  if (!g.needs(0)) return;
  const Attrs epsilon = {{"epsilon", static_cast<double>(g.params<BatchNormParams>().epsilon)}};
  g.set(0, g.add1("batch_norm_backward_input",
                  {g.in(0), g.grad(), g.in(1), g.in(5), g.in(6), totals[0], totals[1]}, epsilon));
}

void inference_gradient(GradContext& g) {
  if (g.needs(1) || g.needs(2)) weight_gradients(g, 3);
  const Attrs epsilon = {{"epsilon", static_cast<double>(g.params<BatchNormParams>().epsilon)}};
  if (g.needs(0))
    g.set(0, g.add1("batch_norm_inference", {g.grad(), g.in(1), kNone, kNone, g.in(4)}, epsilon));
}

}  // namespace

CONVNET_DEFINE_OP(batch_norm_inference, infer_inference, inference_gradient, Lanes::any);
CONVNET_DEFINE_OP(batch_norm_train, infer_train, train_gradient);
CONVNET_DEFINE_OP(batch_norm_moments, infer_moments, nullptr);
CONVNET_DEFINE_OP(batch_norm_combine, infer_combine, nullptr);
CONVNET_DEFINE_OP(batch_norm_update, infer_update, nullptr);
CONVNET_DEFINE_OP(batch_norm_backward_sums, infer_backward_sums, nullptr);
CONVNET_DEFINE_OP(batch_norm_backward_combine, infer_combine, nullptr);
CONVNET_DEFINE_OP(batch_norm_backward_input, infer_backward_input, nullptr);

}  // namespace convnet::ops
