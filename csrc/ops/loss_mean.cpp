// Means over the batch: what training minimises, and what metrics report. A step sums its shards;
// an accumulator sums steps.
#include "ops/loss_mean.h"

#include <algorithm>

#include "ops/op.h"

namespace convnet::ops {

namespace {

LossMeanParams& read_params(InferContext& c) {
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched, "values must have a batch");
  c.check(x.features() > 0, "there is no mean of " + to_string(x.shape));
  auto& p = c.params<LossMeanParams>();
  p.rows = 1;
  if (c.inputs() == 1) c.append_input(kNone);
  if (c.has(1)) {
    const Value& w = c.in(1);
    const bool leads = w.shape.size() <= x.shape.size() &&
                       std::equal(w.shape.begin(), w.shape.end(), x.shape.begin());
    c.check(w.storage == Storage::Batched && w.fold == x.fold && leads,
            "weights " + to_string(w.shape) + " must have a batch and the leading axes of values " +
                to_string(x.shape));
    p.rows = w.features();
  }
  p.inner = p.rows ? x.features() / p.rows : 0;
  p.scale = c.real("scale", 1);
  return p;
}

// values [..], weights|None -> of each shard, over live samples: scale times the sum of samples'
// weighted means, and the sum of samples' mean weights (their number without weights).
void infer_mean(InferContext& c) {
  read_params(c);
  c.output(Storage::PerShard, {2});
}

// A loss is where differentiation starts: nothing comes in.
void loss_mean_gradient(GradContext& g) {
  if (g.needs(0)) g.set(0, g.add1("loss_mean_backward", {g.in(0), g.in(1)}, g.attrs()));
}

// values, weights|None -> scale * weight / (features * samples of the batch).
void infer_mean_backward(InferContext& c) {
  auto& p = read_params(c);
  c.units(ceil_div(p.rows * p.inner, kLossMeanBlock));
  c.output_like(0);
}

// Pairs of the shards, or a scalar that holds for every sample of the batch, are added to an
// accumulator [total, count].
void infer_accumulate(InferContext& c) {
  const Value &x = c.in(0), &sum = c.in(1);
  auto& p = c.params<AccumulateParams>();
  p.single = x.storage == Storage::Single;
  c.check(x.features() == (p.single ? 1 : 2) && (p.single || x.storage == Storage::PerShard),
          std::string("takes a pair for each shard or a scalar, got ") + name_of(x.storage) + " " +
              to_string(x.shape));
  c.check(sum.storage == Storage::Accumulator, "input 1 must be an accumulator");
  const std::string count = c.text("count", "weights");
  c.check(count == "weights" || count == "samples",
          "count must be weights or samples, got '" + count + "'");
  p.count_samples = count == "samples";
  c.scope(Scope::Batch);
  c.impure();
}

}  // namespace

CONVNET_DEFINE_OP(loss_mean, infer_mean, loss_mean_gradient, Lanes::any);
CONVNET_DEFINE_OP(loss_mean_backward, infer_mean_backward, nullptr, Lanes::any);
CONVNET_DEFINE_OP(metric_mean, infer_mean, nullptr, Lanes::any);
CONVNET_DEFINE_OP(accumulate, infer_accumulate, nullptr, Lanes::any);

}  // namespace convnet::ops
