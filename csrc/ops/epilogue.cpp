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

ValueId before_activation(GradContext& g) {
  const std::string name = g.text("activation");
  if (name.empty() || name == "linear") return g.grad();
  return g.add1("unary_backward", {kNone, g.out(), g.grad()}, {{"fn", name}});
}

}  // namespace convnet::ops
