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

namespace {

// The gradient before a ReLU with the result y, of dy behind it. An op that computes dy and reads y
// anyway takes it as well. Where y is used for maxima only, the ReLU might as well come behind
// them, which are fewer.
ValueId before_relu(GradContext& g, ValueId y, ValueId dy) {
  const Node* last = g.producer(dy);
  const std::string op = last ? last->op->name : "";
  if (op == "sparse_lanes" && last->inputs[1] == y) {
    Attrs attrs = last->attrs;
    attrs["relu"] = true;
    return g.add1("sparse_lanes", last->inputs, attrs);
  }
  if (op == "max_pool_backward") {
    const ValueId dy_pooled = last->inputs[0], winners = last->inputs[1];
    const Attrs attrs = last->attrs;
    const Node* pool = g.producer(winners);
    if (pool->inputs[0] == y)
      return g.add1("max_pool_backward", {before_relu(g, pool->outputs[0], dy_pooled), winners},
                    attrs);
  }
  return g.add1("unary_backward", {kNone, y, dy}, {{"fn", std::string("relu")}});
}

}  // namespace

ValueId before_activation(GradContext& g) {
  const std::string name = g.text("activation");
  if (name.empty() || name == "linear") return g.grad();
  if (name == "relu") return before_relu(g, g.out(), g.grad());
  return g.add1("unary_backward", {kNone, g.out(), g.grad()}, {{"fn", name}});
}

}  // namespace convnet::ops
