// Functions of two numbers: the list in ops/binary_list.inc, the same formulas as on the CPU.
#include "ops/binary.h"

#include "cpu/kernels/binary_functions.h"
#include "cuda/launch.h"
#include "cuda/strides.h"

namespace convnet::cuda {

namespace {

// Operands of one sample lie `sample` floats apart.
struct Operand {
  const float* data;
  int64_t sample;
};

#define CONVNET_BINARY(name, formula, da_source, da_formula, db_source, db_formula)              \
  __global__ void name##_forward(Operand left, Operand right, float* to, int64_t n, Strides s) { \
    each_element(n, [&](int64_t i) {                                                             \
      const int64_t sample = i / s.size, at = i % s.size;                                        \
      const Vec a = load(left.data + sample * left.sample + place_of(s, 0, at));                 \
      const Vec b = load(right.data + sample * right.sample + place_of(s, 1, at));               \
      store(to + i, formula);                                                                    \
    });                                                                                          \
  }                                                                                              \
  __global__ void name##_backward(Operand left, Operand right, const float* slopes, float* to,   \
                                  int64_t n, Strides s, bool second) {                           \
    each_element(n, [&](int64_t i) {                                                             \
      const int64_t sample = i / s.size, at = i % s.size;                                        \
      const Vec dy = load(slopes + i);                                                           \
      [[maybe_unused]] const Vec a =                                                             \
          left.data ? load(left.data + sample * left.sample + place_of(s, 0, at)) : dy;          \
      [[maybe_unused]] const Vec b =                                                             \
          right.data ? load(right.data + sample * right.sample + place_of(s, 1, at)) : dy;       \
      store(to + i, second ? db_formula : da_formula);                                           \
    });                                                                                          \
  }
#include "ops/binary_list.inc"
#undef CONVNET_BINARY

}  // namespace

void binary(const Call& call) {
  const auto& p = call.as<BinaryParams>();
  const Operand left{call.f32(0), call.stride[0]}, right{call.f32(1), call.stride[1]};
  const int64_t n = p.strides.size * call.samples;
  switch (p.fn) {
#define CONVNET_BINARY(name, value, da_source, da, db_source, db)                                 \
  case Binary::name:                                                                              \
    return launch(name##_forward, blocks_for(n), kThreads, call.stream, left, right, call.f32(2), \
                  n, p.strides);
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
  }
}

void binary_backward(const Call& call) {
  const auto& p = call.as<BinaryParams>();
  const Operand left{call.f32(0), call.stride[0]}, right{call.f32(1), call.stride[1]};
  const int64_t n = p.strides.size * call.samples;
  switch (p.fn) {
#define CONVNET_BINARY(name, value, da_source, da, db_source, db)                     \
  case Binary::name:                                                                  \
    return launch(name##_backward, blocks_for(n), kThreads, call.stream, left, right, \
                  static_cast<const float*>(call.f32(2)), call.f32(3), n, p.strides, p.wrt != 0);
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
  }
}

}  // namespace convnet::cuda
