// Sums and means over the samples of a batch, as values that the rest of a computation may use.
#include "ops/batch.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

// x [..] Batched -> [..] Single: sum or mean over samples.
void infer_reduce(InferContext& c, bool mean) {
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched, "takes a value with a batch");
  auto& p = c.params<BatchParams>();
  p.features = numel(x.shape);
  p.outer = x.fold;
  p.mean = mean;
  c.scope(Scope::Batch);
  c.units(p.features);
  c.output(Storage::Single, x.shape);
}

void infer_sum(InferContext& c) { infer_reduce(c, false); }
void infer_mean(InferContext& c) { infer_reduce(c, true); }

void reduce_gradient(GradContext& g) {
  g.set(0,
        g.add1("batch_broadcast", {g.grad(), g.in(0)}, {{"mean", g.params<BatchParams>().mean}}));
}

// dy Single, x Batched (for its shape) -> dy, or its share, for every live sample; repeated over
// leading axes that dy lacks.
void infer_broadcast(InferContext& c) {
  const Value &dy = c.in(0), &x = c.in(1);
  auto& p = c.params<BatchParams>();
  p.features = numel(dy.shape);
  c.check(p.features > 0 && x.features() % p.features == 0,
          to_string(dy.shape) + " does not repeat to " + to_string(x.shape));
  p.outer = x.features() / p.features;
  p.mean = c.flag("mean", false);
  c.units(ceil_div(x.features(), 64));
  c.output_like(1);
}

// state, value Single of the same size: the state takes the value.
void infer_assign(InferContext& c) {
  const Value &state = c.in(0), &value = c.in(1);
  c.check(state.role == Role::State || state.role == Role::Parameter,
          "only a weight or a state can be assigned to");
  c.check(value.storage == Storage::Single && value.shape == state.shape,
          "cannot assign " + to_string(value.shape) + " to a variable of shape " +
              to_string(state.shape));
  c.params<AssignParams>().size = state.features();
  c.scope(Scope::Batch);
  c.impure();
}

}  // namespace

CONVNET_DEFINE_OP(assign, infer_assign, nullptr);
CONVNET_DEFINE_OP(batch_broadcast, infer_broadcast, nullptr, Lanes::few);
CONVNET_DEFINE_OP(batch_mean, infer_mean, reduce_gradient, Lanes::few);
CONVNET_DEFINE_OP(batch_sum, infer_sum, reduce_gradient, Lanes::few);

}  // namespace convnet::ops
