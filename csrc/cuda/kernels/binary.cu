// Functions of two numbers: the list in ops/binary_list.inc, the same formulas as on the CPU. All
// are one kernel, whose threads call what the list says: memory takes longer.
#include "ops/binary.h"

#include "cpu/kernels/binary_functions.h"
#include "cuda/strides.h"

namespace convnet::cuda {

namespace {

CONVNET_FAR Vec value_of(Binary fn, Vec a, Vec b) {
  switch (fn) {
#define CONVNET_BINARY(name, formula, da_source, da_formula, db_source, db_formula) \
  case Binary::name:                                                                \
    return formula;
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
  }
  return a;
}

CONVNET_FAR Vec gradient_of(Binary fn, bool second, Vec a, Vec b, Vec dy) {
  switch (fn) {
#define CONVNET_BINARY(name, formula, da_source, da_formula, db_source, db_formula) \
  case Binary::name:                                                                \
    return second ? db_formula : da_formula;
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
  }
  return dy;
}

// Operands of one sample lie `sample` floats apart; absent ones are null.
struct Operands {
  const float* data[2];
  int64_t sample[2];
  Strides strides;

  // Whether they are read one after the other.
  __device__ __forceinline__ bool dense(int k) const {
    return strides.axes == 1 && strides.stride[k][0] == 1 && sample[k] == strides.size;
  }
  __device__ __forceinline__ Vec read(int k, int64_t i) const {
    if (dense(k)) return load(data[k] + i);
    const auto [of, at] = divide(i, strides.size);
    return load(data[k] + of * sample[k] + place_of(strides, k, at));
  }
};

struct Terms {
  Vec a, b, dy;
};

__global__ void forward(CONVNET_PARAMETER Operands of, float* to, int64_t n, Binary fn) {
  each_element_read(
      n, [&](int64_t i) { return Terms{of.read(0, i), of.read(1, i), zero()}; },
      [&](int64_t i, const Terms& t) { store(to + i, value_of(fn, t.a, t.b)); });
}

__global__ void backward(CONVNET_PARAMETER Operands of, const float* slopes, float* to, int64_t n,
                         Binary fn, bool second) {
  each_element_read(
      n,
      [&](int64_t i) {
        const Vec dy = load(slopes + i);
        return Terms{of.data[0] ? of.read(0, i) : dy, of.data[1] ? of.read(1, i) : dy, dy};
      },
      [&](int64_t i, const Terms& t) { store(to + i, gradient_of(fn, second, t.a, t.b, t.dy)); });
}

Operands operands_of(const Call& call) {
  return {{call.f32(0), call.f32(1)},
          {call.stride[0], call.stride[1]},
          call.as<BinaryParams>().strides};
}

}  // namespace

void binary(const Call& call) {
  const auto& p = call.as<BinaryParams>();
  const int64_t n = p.strides.size * call.samples;
  launch(forward, blocks_for(n), kThreads, call.stream, operands_of(call), call.f32(2), n, p.fn);
}

void binary_backward(const Call& call) {
  const auto& p = call.as<BinaryParams>();
  const int64_t n = p.strides.size * call.samples;
  launch(backward, blocks_for(n), kThreads, call.stream, operands_of(call),
         static_cast<const float*>(call.f32(2)), call.f32(3), n, p.fn, p.wrt != 0);
}

}  // namespace convnet::cuda
