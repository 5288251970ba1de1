// Ops that rename memory without touching it.
#include "ops/op.h"

namespace convnet::ops {

namespace {

void infer_reshape(InferContext& c) {
  const Value& x = c.in(0);
  Dims shape = c.dims("shape");
  int64_t known = 1, unknown = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != -1)
      known *= shape[i];
    else {
      c.check(unknown < 0, "only one extent of the new shape may be -1, got " + to_string(shape));
      unknown = static_cast<int64_t>(i);
    }
  }
  if (unknown >= 0 && known > 0 && numel(x.shape) % known == 0)
    shape[unknown] = known ? numel(x.shape) / known : 0;
  c.check(numel(shape) == numel(x.shape),
          "cannot reshape " + to_string(x.shape) + " into " + to_string(shape));
  c.output_like(0, shape);
}

void reshape_gradient(GradContext& g) {
  g.set(0, g.add1("reshape", {g.grad()}, {{"shape", g.value(g.in(0)).shape}}));
}

void infer_fold(InferContext& c) {
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched, "only a batched value can be folded");
  c.check(!x.shape.empty(), "there is no axis to fold");
  c.output(x.storage, Dims(x.shape.begin() + 1, x.shape.end()), x.fold * x.shape[0]);
}

void infer_unfold(InferContext& c) {
  const Value& x = c.in(0);
  const int64_t count = c.integer("count");
  c.check(count > 0 && x.fold % count == 0, "cannot unfold " + std::to_string(count) + " of " +
                                                std::to_string(x.fold) + " folded samples");
  Dims shape = x.shape;
  shape.insert(shape.begin(), count);
  c.output(x.storage, shape, x.fold / count);
}

void fold_gradient(GradContext& g) {
  g.set(0, g.add1("unfold", {g.grad()}, {{"count", g.value(g.in(0)).shape[0]}}));
}

void unfold_gradient(GradContext& g) { g.set(0, g.add1("fold", {g.grad()})); }

void infer_same(InferContext& c) { c.output_like(0); }

}  // namespace

CONVNET_DEFINE_OP(reshape, infer_reshape, reshape_gradient);
CONVNET_DEFINE_OP(fold, infer_fold, fold_gradient);
CONVNET_DEFINE_OP(unfold, infer_unfold, unfold_gradient);
CONVNET_DEFINE_OP(stop_gradient, infer_same, nullptr);

}  // namespace convnet::ops
