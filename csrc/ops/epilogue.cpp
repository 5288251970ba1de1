#include "ops/epilogue.h"

namespace convnet::ops {

Activation activation_of(const InferContext& c) {
  const std::string name = c.text("activation", "");
  if (name.empty() || name == "linear") return Activation::linear;
  if (name == "relu") return Activation::relu;
  if (name == "sigmoid") return Activation::sigmoid;
  if (name == "tanh") return Activation::tanh;
  c.fail("activation '" + name + "' cannot be fused; it must be linear, relu, sigmoid or tanh");
}

// The gradient before a ReLU, where the op that computes the gradient behind it reads the result of
// the ReLU anyway; kNone elsewhere.
static ValueId before_relu(GradContext& g) {
  const Node* last = g.producer(g.grad());
  if (!last || std::string(last->op->name) != "sparse_lanes" || last->inputs[1] != g.out())
    return kNone;
  Attrs attrs = last->attrs;
  attrs["relu"] = true;
  return g.add1("sparse_lanes", last->inputs, attrs);
}

ValueId before_activation(GradContext& g) {
  const std::string name = g.text("activation");
  if (name.empty() || name == "linear") return g.grad();
  if (name == "relu")
    if (const ValueId dz = before_relu(g); dz != kNone) return dz;
  return g.add1("unary_backward", {kNone, g.out(), g.grad()}, {{"fn", name}});
}

}  // namespace convnet::ops
