// Sums over samples: how gradients of weights and other whole-batch results come about.
#include "ops/sums.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

// The sum of any number of Slotted and Single values of one size.
void infer_slot_sum(InferContext& c) {
  auto& p = c.params<SlotSumParams>();
  c.check(c.inputs() >= 1 && c.inputs() <= 24,
          "takes 1 to 24 inputs, got " + std::to_string(c.inputs()));
  const Dims shape = c.in(0).shape;
  p.size = numel(shape);
  p.block = 1024;
  p.inputs = c.inputs();
  for (int i = 0; i < c.inputs(); ++i) {
    const Storage storage = c.in(i).storage;
    c.check(storage == Storage::Slotted || storage == Storage::Single,
            std::string("cannot sum a ") + name_of(storage) + " value");
    c.check(numel(c.in(i).shape) == p.size,
            "inputs differ in size: " + to_string(shape) + " and " + to_string(c.in(i).shape));
    p.slotted[i] = storage == Storage::Slotted;
  }
  c.scope(Scope::Batch);
  c.units(ceil_div(p.size, p.block));
  c.output(Storage::Single, shape);
  c.output_span(0, {p.block});
}

void slot_sum_gradient(GradContext& g) {
  for (int i = 0; g.in(i) != kNone; ++i)
    if (g.needs(i)) g.set(i, g.grad());
}

// Sums a batched value over samples, and over leading axes down to the last `keep` ones.
void infer_sum_samples(InferContext& c) {
  auto& p = c.params<SumSamplesParams>();
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched, "sums a batched value over its samples");
  const int64_t rank = static_cast<int64_t>(x.shape.size()), keep = c.integer("keep", rank);
  c.check(keep >= 0 && keep <= rank,
          "cannot keep " + std::to_string(keep) + " axes of " + to_string(x.shape));
  const Dims shape(x.shape.end() - keep, x.shape.end());
  p.features = numel(shape);
  p.outer = p.features ? x.features() / p.features : 0;
  c.units(ceil_div(p.features, 16));
  c.output(c.sum_over_samples(), shape);
}

void sum_samples_gradient(GradContext& g) {
  g.set(0, g.add1("batch_broadcast", {g.grad(), g.in(0)}));
}

// Zero in the lanes beyond the batch: what gradients given from outside must be.
void infer_live_only(InferContext& c) {
  auto& p = c.params<SumSamplesParams>();
  p.features = c.in(0).features();
  c.units(ceil_div(p.features, 256));
  c.output_like(0);
}

}  // namespace

CONVNET_DEFINE_OP(live_only, infer_live_only, nullptr, Lanes::any);
CONVNET_DEFINE_OP(slot_sum, infer_slot_sum, slot_sum_gradient);
CONVNET_DEFINE_OP(sum_samples, infer_sum_samples, sum_samples_gradient, Lanes::any);

}  // namespace convnet::ops
