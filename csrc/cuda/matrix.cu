#include "cuda/matrix.h"

namespace convnet::cuda {

namespace {

template <bool kAlong_>
struct Dense {
  static constexpr bool kAlong = kAlong_;
  bool vector;
  const float* data;
  int line_step, deep_step;

  CONVNET_INLINE const float* line(int i) const { return data + int64_t{i} * line_step; }
  CONVNET_INLINE bool at(const float* line, int k, const float*& p) const {
    p = line + int64_t{k} * deep_step;
    return true;
  }
};

// Where the matrix of a product begins, the axes of the stack being innermost.
CONVNET_CALLED const float* of_product(const Matrix& m, int product) {
  const float* data = m.data;
  CONVNET_UNROLLED(1)
  for (int axis = m.stack.axes - 1; axis >= 0; --axis) {
    const int extent = static_cast<int>(m.stack.extent[axis]), outer = product / extent;
    data += (product - outer * extent) * m.stack.stride[m.operand][axis];
    product = outer;
  }
  return data + product * m.sample;
}

template <bool kAlong_>
struct Stacked {
  static constexpr bool kAlong = kAlong_;
  Matrix matrix;
  bool vector, many;
  int line_step, deep_step;

  Stacked(const Matrix& m, int64_t lines, int64_t K)
      : matrix(m), line_step(static_cast<int>(m.line)), deep_step(static_cast<int>(m.deep)) {
    const int64_t step = kAlong ? m.line : m.deep, run = kAlong ? K : lines;
    vector = (step | run | m.sample) % 4 == 0 && (kAlong ? m.deep : m.line) == 1 &&
             reinterpret_cast<uintptr_t>(m.data) % 16 == 0;
    for (int axis = 0; axis < m.stack.axes; ++axis)
      vector = vector && m.stack.stride[m.operand][axis] % 4 == 0;
    many = m.sample != 0 || m.stack.size > 1;
  }

  __device__ __forceinline__ Dense<kAlong> of(int product) const {
    return {vector, many ? of_product(matrix, product) : matrix.data, line_step, deep_step};
  }
};

// go(operand), walked in the direction in which it is dense.
template <class Go>
void with_stacked(const Matrix& m, int64_t lines, int64_t K, Go go) {
  if (m.line == 1 && m.deep != 1)
    go(Stacked<false>(m, lines, K));
  else
    go(Stacked<true>(m, lines, K));
}

// go(operands), both walked so.
template <class Go>
void with_operands(const Shape& shape, const Matrix& left, const Matrix& right, Go go) {
  with_stacked(left, shape.M, shape.K,
               [&](auto a) { with_stacked(right, shape.N, shape.K, [&](auto b) { go(a, b); }); });
}

}  // namespace

// Both transposed: what no layer asks for.
template <>
constexpr Tiles kTilesOf<Stacked<false>, Stacked<true>> = Tiles::one;

void multiply(Stream stream, const Plan& plan, const Shape& shape, const Matrix& left,
              const Matrix& right, const Output& out) {
  with_operands(shape, left, right, [&](auto a, auto b) { gemm(stream, plan, shape, a, b, out); });
}

void multiply(const Call& call, void* scratch, const Shape& shape, const Matrix& left,
              const Matrix& right, const Output& out) {
  with_operands(shape, left, right, [&](auto a, auto b) { gemm(call, scratch, shape, a, b, out); });
}

}  // namespace convnet::cuda
