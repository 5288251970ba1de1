// Clipping of a flat buffer of gradients, in place, before the optimizer's pass. Norms take two
// nodes: sums of squares of blocks, whose cut depends on sizes only, and a pass that adds them up
// and scales.
#include "ops/clip.h"

#include "ops/op.h"
#include "ops/optimizers.h"

namespace convnet::ops {

namespace {

void expect_flat(InferContext& c) {
  c.check(c.in(0).storage == Storage::Single,
          std::string("gradients cannot be ") + name_of(c.in(0).storage));
  c.scope(Scope::Batch);
  c.impure();
}

void infer_clip_value(InferContext& c) {
  expect_flat(c);
  const int64_t size = c.in(0).features(), block = c.integer("block", kOptimizerBlock);
  c.check(block >= 1, "block must be at least 1, got " + std::to_string(block));
  c.params<ClipValueParams>() = {size, block, static_cast<float>(c.real("value"))};
  c.units(ceil_div(size, block));
  c.input_span(0, {block});
}

// Bounds of the variables: `offsets`, or the whole.
Dims pieces(InferContext& c) {
  const int64_t size = c.in(0).features();
  const Dims offsets = c.dims("offsets", {0, size});
  for (size_t i = 1; i < offsets.size(); ++i)
    c.check(offsets[i - 1] <= offsets[i], "offsets must not fall, got " + to_string(offsets));
  c.check(offsets.size() >= 2 && offsets.front() >= 0 && offsets.back() <= size,
          "offsets must lie in 0 .. " + std::to_string(size) + ", got " + to_string(offsets));
  Dims list;
  int64_t blocks = 0;
  for (size_t i = 1; i < offsets.size(); ++i) {
    list.insert(list.end(), {offsets[i - 1], offsets[i], blocks});
    blocks += ceil_div(offsets[i] - offsets[i - 1], kNormBlock);
  }
  list.insert(list.end(), {offsets.back(), offsets.back(), blocks});
  return list;
}

ClipNormParams& read_params(InferContext& c) {
  expect_flat(c);
  const Dims list = pieces(c);
  auto& p = c.params<ClipNormParams>(list);
  p.variables = static_cast<int64_t>(list.size()) / 3 - 1;
  c.units(list.back());
  return p;
}

// g -> sum of squares of each block.
void infer_block_squares(InferContext& c) {
  read_params(c);
  c.output(Storage::Single, {pieces(c).back()});
}

void infer_norm(InferContext& c, bool global) {
  auto& p = read_params(c);
  p.limit = static_cast<float>(c.real("norm"));
  p.global = global;
  Attrs attrs;
  if (c.has_attr("offsets")) attrs["offsets"] = c.dims("offsets");
  c.append_input(c.update("block_squares", {c.in_id(0)}, attrs)[0]);
}

void infer_clip_norm(InferContext& c) { infer_norm(c, false); }

void infer_global_clip_norm(InferContext& c) {
  c.check(!c.has_attr("offsets"), "takes no offsets");
  infer_norm(c, true);
}

}  // namespace

CONVNET_DEFINE_OP(clip_value, infer_clip_value, nullptr);
CONVNET_DEFINE_OP(block_squares, infer_block_squares, nullptr);
CONVNET_DEFINE_OP(clip_norm, infer_clip_norm, nullptr);
CONVNET_DEFINE_OP(global_clip_norm, infer_global_clip_norm, nullptr);

}  // namespace convnet::ops
