#include "ops/gather.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

constexpr int64_t kBlock = 64;     // features a unit
constexpr int64_t kWideRow = 256;  // features that are worth being divided

void infer_gather(InferContext& c) {
  auto& p = c.params<GatherParams>();
  const Dims shape = c.dims("shape");
  p.feed = static_cast<int32_t>(c.integer("feed"));
  p.features = numel(shape);
  p.block = kBlock;
  c.units(ceil_div(p.features, kBlock));
  // Of many samples one by one, a thread takes its part of all, which is its part of the weights.
  p.group = c.lanes() == 1 && !c.few() && p.features >= kWideRow;
  if (p.group) c.scope(Scope::Group);
  c.output(Storage::Batched, shape);
}

void infer_scatter(InferContext& c) {
  auto& p = c.params<GatherParams>();
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched || x.storage == Storage::Single,
          std::string("a ") + name_of(x.storage) + " value cannot be an output");
  c.check(x.fold == 1, "a folded value cannot be an output");
  p.feed = static_cast<int32_t>(c.integer("feed"));
  p.features = x.features();
  p.block = kBlock;
  p.whole = x.storage == Storage::Single;
  c.units(ceil_div(p.features, kBlock));
  c.impure();
  // A node needs an output for the schedule to see it: the number of rows written.
  c.output(p.whole ? Storage::Single : Storage::PerShard, {1});
}

}  // namespace

CONVNET_DEFINE_OP(gather, infer_gather, nullptr, Lanes::any);
CONVNET_DEFINE_OP(scatter, infer_scatter, nullptr, Lanes::any);

}  // namespace convnet::ops
