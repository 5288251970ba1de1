// Functions of one number; see unary_list.inc.
#include "ops/unary.h"

#include <limits>

#include "ops/elementwise.h"

namespace convnet::ops {

namespace {

enum class Source { x, y, nothing, flat };

constexpr auto kNames = std::to_array<const char*>({
#define CONVNET_UNARY(name, source, value, gradient) #name,
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
});
constexpr auto kSources = std::to_array<Source>({
#define CONVNET_UNARY(name, source, value, gradient) Source::source,
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
});

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Default {
  Unary fn;
  double alpha, beta;
};
constexpr Default kDefaults[] = {{Unary::leaky_relu, 0.2, 0},
                                 {Unary::elu, 1, 0},
                                 {Unary::celu, 1, 0},
                                 {Unary::hard_shrink, 0.5, 0},
                                 {Unary::soft_shrink, 0.5, 0},
                                 {Unary::squareplus, 4, 0},
                                 {Unary::affine, 1, 0},
                                 {Unary::relu, 0, kInfinity},
                                 {Unary::clip, -kInfinity, kInfinity}};

Unary function_of(const InferContext& c) {
  const std::string name = c.text("fn", "");
  if (name == "exponential") return Unary::exp;
  return static_cast<Unary>(index_of(c, name, kNames));
}

void read_function(InferContext& c, UnaryParams& p) {
  p.fn = function_of(c);
  double alpha = 0, beta = 0;
  for (const Default& d : kDefaults)
    if (d.fn == p.fn) alpha = d.alpha, beta = d.beta;
  p.alpha = static_cast<float>(c.real("alpha", alpha));
  p.beta = static_cast<float>(c.real("beta", beta));
  p.gamma = static_cast<float>(c.real("gamma", 0));
  // Only the plain rectifier can be told from its result.
  const bool plain =
      p.alpha == 0 && p.beta == std::numeric_limits<float>::infinity() && p.gamma == 0;
  if (p.fn == Unary::relu && !plain) p.fn = Unary::relu_general;
  if (p.fn == Unary::gelu && c.flag("approximate", false)) p.fn = Unary::gelu_tanh;
}

UnaryParams& infer_elements(InferContext& c, int like) {
  expect_values(c, {like});
  auto& p = c.params<UnaryParams>();
  read_function(c, p);
  p.size = floats_of(c.in(like));
  c.units(ceil_div(p.size, kElementBlock));
  c.output_like(like);
  for (int i = 0; i <= like; ++i) c.input_span(static_cast<size_t>(i), {kElementBlock});
  c.output_span(0, {kElementBlock});
  return p;
}

void infer_unary(InferContext& c) { infer_elements(c, 0); }

void unary_gradient(GradContext& g) {
  const Source source = kSources[static_cast<size_t>(g.params<UnaryParams>().fn)];
  if (source == Source::flat) return;
  const ValueId x = source == Source::x ? g.in(0) : kNone;
  const ValueId y = source == Source::y ? g.out() : kNone;
  g.set(0, g.add1("unary_backward", {x, y, g.grad()}, g.attrs()));
}

// x or none, y or none, dy -> dx.
void infer_backward(InferContext& c) {
  const UnaryParams& p = infer_elements(c, 2);
  const Source source = kSources[static_cast<size_t>(p.fn)];
  if (source == Source::flat || source == Source::nothing) return;
  const int from = source == Source::x ? 0 : 1;
  c.check(c.has(from), std::string("the gradient of ") + kNames[static_cast<size_t>(p.fn)] +
                           " needs " + (from ? "y" : "x"));
  c.check(floats_of(c.in(from)) == p.size,
          "shapes differ: " + to_string(c.in(from).shape) + " and " + to_string(c.in(2).shape));
}

}  // namespace

CONVNET_DEFINE_OP(unary, infer_unary, unary_gradient, Lanes::any);
CONVNET_DEFINE_OP(unary_backward, infer_backward, nullptr, Lanes::any);

}  // namespace convnet::ops
