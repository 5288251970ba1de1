// Products of matrices and of stacks of them.
#include "ops/matmul.h"

#include "cuda/matrix.h"

namespace convnet::cuda {

namespace {

Shape stack_of(const MatmulParams& p, int64_t samples) {
  return {p.M, p.N, p.K, samples * p.stack.size};
}
Shape rows_of(const MatmulParams& p, int64_t samples) { return {samples * p.M, p.N, p.K}; }
// Whether the left operands of all samples are one matrix.
bool one_matrix(const MatmulParams& p) {
  return p.stack.size == 1 && p.column_stride[0] == 1 && p.row_stride[0] == p.K;
}

}  // namespace

void matmul(const Call& a) {
  const auto& p = a.as<MatmulParams>();
  Matrix left{a.f32(0), p.row_stride[0], p.column_stride[0]};
  Matrix right{a.f32(1), p.column_stride[1], p.row_stride[1]};
  if (one_matrix(p) && a.stride[1] == 0)
    return multiply(a, a.scratch, rows_of(p, a.samples), left, right,
                    Output(a.f32(2), nullptr, p.N, p.N, Activation::linear));
  left.stack = right.stack = p.stack;
  left.sample = a.stride[0], right.sample = a.stride[1];
  right.operand = 1;
  multiply(a, a.scratch, stack_of(p, a.samples), left, right,
           Output(a.f32(2), nullptr, p.N, p.N, Activation::linear, p.M * p.N));
}
size_t matmul_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const MatmulParams*>(params);
  const size_t stack = gemm_scratch(stack_of(p, samples));
  return one_matrix(p) ? std::max(stack, gemm_scratch(rows_of(p, samples))) : stack;
}

}  // namespace convnet::cuda
