// Functions of two numbers; see binary_list.inc.
#include "ops/binary.h"

#include "ops/broadcast.h"
#include "ops/elementwise.h"

namespace convnet::ops {

namespace {

enum class Source { same, dy, a, b, ab, flat };

constexpr auto kNames = std::to_array<const char*>({
#define CONVNET_BINARY(name, value, da_source, da, db_source, db) #name,
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
});
constexpr Source kSources[][2] = {
#define CONVNET_BINARY(name, value, da_source, da, db_source, db) \
  {Source::da_source, Source::db_source},
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
};

bool uses(Source source, int operand) {
  return source == Source::ab || source == (operand ? Source::b : Source::a);
}

Source source_of(const BinaryParams& p, int wrt) {
  return kSources[static_cast<size_t>(p.fn)][wrt];
}

BinaryParams& read_function(InferContext& c) {
  auto& p = c.params<BinaryParams>();
  p.fn = static_cast<Binary>(index_of(c, c.text("fn", ""), kNames));
  p.wrt = static_cast<int32_t>(c.integer("wrt", 0));
  return p;
}

void infer_binary(InferContext& c) {
  expect_values(c, {0, 1});
  auto& p = read_function(c);
  const Value result = broadcast_of(c, {&c.in(0), &c.in(1)});
  p.strides = strides_of(c, result, {&c.in(0), &c.in(1)});
  c.units(ceil_div(p.strides.size, kElementBlock));
  c.output(result.storage, result.shape, result.fold);
}

void binary_gradient(GradContext& g) {
  for (int i = 0; i < 2; ++i) {
    const Source source = source_of(g.params<BinaryParams>(), i);
    if (!g.needs(i) || source == Source::flat) continue;
    ValueId grad = g.grad();
    if (source != Source::same) {
      const ValueId a = uses(source, 0) ? g.in(0) : kNone, b = uses(source, 1) ? g.in(1) : kNone;
      grad = g.add1("binary_backward", {a, b, grad}, {{"fn", g.text("fn")}, {"wrt", int64_t{i}}});
    }
    g.set(i, sum_to(g, grad, g.in(i)));
  }
}

// a or none, b or none, dy -> the gradient of one of them, before sums over repeated axes.
void infer_backward(InferContext& c) {
  expect_values(c, {2});
  auto& p = read_function(c);
  c.check(p.wrt == 0 || p.wrt == 1, "wrt must be 0 or 1, got " + std::to_string(p.wrt));
  std::vector<const Value*> operands;
  for (int i = 0; i < 2; ++i) {
    c.check(c.has(i) || !uses(source_of(p, p.wrt), i), std::string("the gradient of ") +
                                                           kNames[static_cast<size_t>(p.fn)] +
                                                           " needs input " + std::to_string(i));
    operands.push_back(c.has(i) ? &c.in(i) : &c.in(2));
  }
  operands.push_back(&c.in(2));
  const Value result = broadcast_of(c, operands);
  c.check(result.shape == c.in(2).shape && result.storage == c.in(2).storage,
          "dy has shape " + to_string(c.in(2).shape) + ", expected " + to_string(result.shape));
  p.strides = strides_of(c, result, operands);
  c.units(ceil_div(p.strides.size, kElementBlock));
  c.output_like(2);
}

}  // namespace

CONVNET_DEFINE_OP(binary, infer_binary, binary_gradient, Lanes::any);
CONVNET_DEFINE_OP(binary_backward, infer_backward, nullptr, Lanes::any);

}  // namespace convnet::ops
