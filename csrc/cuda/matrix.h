// Products of matrices that lie in memory, by rows or by columns.
#pragma once

#include "cuda/gemm.h"
#include "ops/strides.h"

namespace convnet::cuda {

// Of the left operand lines are rows, of the right one columns.
struct Matrix {
  const float* data;
  int64_t line, deep;  // floats from line to line, from number to number; below 2^31
  int64_t sample = 0;  // from sample to sample, where there are stacks of products
  int operand = 0;     // of `stack`
  Strides stack = {.size = 1, .axes = 1, .extent = {1}, .stride = {}};
};

void multiply(const Call& call, void* scratch, const Shape& shape, const Matrix& left,
              const Matrix& right, const Output& out);
// The same in the given way, K in one slice.
void multiply(Stream stream, const Plan& plan, const Shape& shape, const Matrix& left,
              const Matrix& right, const Output& out);

}  // namespace convnet::cuda
