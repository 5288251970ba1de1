// Products of matrices, and of stacks of them whose leading axes are broadcast as in NumPy.
#include "ops/matmul.h"

#include <utility>

#include "ops/broadcast.h"
#include "ops/elementwise.h"

namespace convnet::ops {

namespace {

// a [.., M, K] or its transpose, b [.., K, N] or its transpose -> [.., M, N].
void infer_matmul(InferContext& c) {
  expect_values(c, {0, 1});
  const bool transposed[2] = {c.flag("transpose_a", false), c.flag("transpose_b", false)};
  auto& p = c.params<MatmulParams>();
  Value stack[2];
  int64_t rows[2], columns[2];
  for (int i = 0; i < 2; ++i) {
    const Value& v = c.in(i);
    c.check(v.shape.size() >= 2, "expects matrices, got shape " + to_string(v.shape));
    p.batched[i] = v.lanes > 1;
    const size_t rank = v.shape.size();
    rows[i] = v.shape[rank - 2];
    columns[i] = v.shape[rank - 1];
    p.row_stride[i] = columns[i] * v.lanes;
    p.column_stride[i] = v.lanes;
    if (transposed[i]) {
      std::swap(rows[i], columns[i]);
      std::swap(p.row_stride[i], p.column_stride[i]);
    }
    stack[i] = v;
    stack[i].shape.resize(rank - 2);
  }
  c.check(columns[0] == rows[1], "cannot multiply matrices of " + std::to_string(rows[0]) + " x " +
                                     std::to_string(columns[0]) + " and " +
                                     std::to_string(rows[1]) + " x " + std::to_string(columns[1]) +
                                     ", from shapes " + to_string(c.in(0).shape) + " and " +
                                     to_string(c.in(1).shape));
  p.M = rows[0];
  p.K = columns[0];
  p.N = columns[1];
  Value result = broadcast_of(c, {&stack[0], &stack[1]});
  p.stack = strides_of(c, result, {&c.in(0), &c.in(1)}, 2);
  c.units(p.stack.size * ceil_div(p.M, kMatmulRows));
  c.flops(2 * p.stack.size * p.M * p.K * p.N);
  result.shape.push_back(p.M);
  result.shape.push_back(p.N);
  c.output(result.storage, result.shape, result.fold);
}

void matmul_gradient(GradContext& g) {
  const bool ta = g.flag("transpose_a"), tb = g.flag("transpose_b");
  const auto multiply = [&](ValueId x, bool tx, ValueId y, bool ty) {
    return g.add1("matmul", {x, y}, {{"transpose_a", tx}, {"transpose_b", ty}});
  };
  const ValueId a = g.in(0), b = g.in(1), dy = g.grad();
  if (g.needs(0))
    g.set(0, sum_to(g, ta ? multiply(b, tb, dy, true) : multiply(dy, false, b, !tb), a));
  if (g.needs(1))
    g.set(1, sum_to(g, tb ? multiply(dy, true, a, ta) : multiply(a, !ta, dy, false), b));
}

}  // namespace

CONVNET_DEFINE_OP(matmul, infer_matmul, matmul_gradient, Lanes::few);

}  // namespace convnet::ops
