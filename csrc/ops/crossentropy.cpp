// Cross-entropy of logits: softmax or sigmoid, logarithm and product in one op, so that no
// probability is rounded to 0 or 1.
#include "ops/crossentropy.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

CrossentropyParams& read_params(InferContext& c) {
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched || x.storage == Storage::Single,
          std::string("logits cannot be ") + name_of(x.storage));
  auto& p = c.params<CrossentropyParams>();
  p.classes = x.shape.empty() ? 1 : x.shape.back();
  p.rows = p.classes ? x.features() / p.classes : 0;
  p.smoothing = static_cast<float>(c.real("label_smoothing", 0));
  p.ignores = c.has_attr("ignore_class");
  p.ignored = static_cast<float>(c.integer("ignore_class", 0));
  p.of_targets = c.text("wrt", "logits") == "targets";
  return p;
}

void expect_same(InferContext& c, int i, const char* what) {
  const Value &x = c.in(0), &y = c.in(i);
  c.check(x.storage == y.storage && x.fold == y.fold && x.shape == y.shape,
          std::string(what) + " (" + name_of(y.storage) + " " + to_string(y.shape) +
              ") must be like logits (" + name_of(x.storage) + " " + to_string(x.shape) + ")");
}

Dims without_last(InferContext& c) {
  const Dims& shape = c.in(0).shape;
  c.check(!shape.empty() && shape.back() > 0,
          "logits must have an axis of classes, got " + to_string(shape));
  return Dims(shape.begin(), shape.end() - 1);
}

// logits [.., C], targets [.., C] -> [..].
void infer_softmax(InferContext& c) {
  const Dims rows = without_last(c);
  expect_same(c, 1, "targets");
  c.units(read_params(c).rows);
  c.output_like(0, rows);
}

// logits [.., C], labels [..] or [.., 1] -> [..].
void infer_sparse(InferContext& c) {
  const Dims rows = without_last(c);
  const Value &x = c.in(0), &labels = c.in(1);
  Dims column = rows;
  column.push_back(1);
  c.check(x.storage == labels.storage && x.fold == labels.fold &&
              (labels.shape == rows || labels.shape == column),
          "labels (" + std::string(name_of(labels.storage)) + " " + to_string(labels.shape) +
              ") do not fit logits (" + name_of(x.storage) + " " + to_string(x.shape) + ")");
  c.units(read_params(c).rows);
  c.output_like(0, rows);
}

void infer_sigmoid(InferContext& c) {
  expect_same(c, 1, "targets");
  auto& p = read_params(c);
  p.rows = c.in(0).features();
  p.classes = 2;  // smoothing is towards one half
  c.units(ceil_div(p.rows, kCrossentropyBlock));
  c.output_like(0);
}

// logits, targets or labels, gradient of the losses -> gradient of the logits (or targets).
void infer_backward(InferContext& c) {
  c.units(read_params(c).rows);
  c.output_like(0);
}

template <int kDifferentiable>
void add_backward(GradContext& g, const std::string& op) {
  for (int i = 0; i < kDifferentiable; ++i) {
    if (!g.needs(i)) continue;
    Attrs attrs = g.attrs();
    attrs["wrt"] = std::string(i == 0 ? "logits" : "targets");
    g.set(i, g.add1(op, {g.in(0), g.in(1), g.grad()}, attrs));
  }
}

void softmax_gradient(GradContext& g) { add_backward<2>(g, "softmax_crossentropy_backward"); }
void sparse_gradient(GradContext& g) { add_backward<1>(g, "sparse_softmax_crossentropy_backward"); }
void sigmoid_gradient(GradContext& g) { add_backward<2>(g, "sigmoid_crossentropy_backward"); }

}  // namespace

CONVNET_DEFINE_OP(softmax_crossentropy, infer_softmax, softmax_gradient, Lanes::any);
CONVNET_DEFINE_OP(softmax_crossentropy_backward, infer_backward, nullptr, Lanes::any);
CONVNET_DEFINE_OP(sparse_softmax_crossentropy, infer_sparse, sparse_gradient, Lanes::any);
CONVNET_DEFINE_OP(sparse_softmax_crossentropy_backward, infer_backward, nullptr, Lanes::any);
CONVNET_DEFINE_OP(sigmoid_crossentropy, infer_sigmoid, sigmoid_gradient, Lanes::any);
CONVNET_DEFINE_OP(sigmoid_crossentropy_backward, infer_sigmoid, nullptr, Lanes::any);

}  // namespace convnet::ops
