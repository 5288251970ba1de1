// Functions of one number: the list in ops/unary_list.inc, the same formulas as on the CPU. All are
// one kernel, whose threads call what the list says: memory takes longer.
#include "cpu/kernels/unary_functions.h"
#include "cuda/launch.h"
#include "ops/unary.h"

namespace convnet::cuda {

namespace {

CONVNET_FAR Vec value_of(Unary fn, Vec x, [[maybe_unused]] Vec alpha, [[maybe_unused]] Vec beta,
                         [[maybe_unused]] Vec gamma) {
  switch (fn) {
#define CONVNET_UNARY(name, source, formula, slope) \
  case Unary::name:                                 \
    return formula;
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
  }
  return x;
}

// `x` is the result where the slope is a function of that.
CONVNET_FAR Vec gradient_of(Unary fn, Vec x, Vec dy, [[maybe_unused]] Vec alpha,
                            [[maybe_unused]] Vec beta, [[maybe_unused]] Vec gamma) {
  [[maybe_unused]] const Vec y = x;
  switch (fn) {
#define CONVNET_UNARY(name, source, formula, slope) \
  case Unary::name:                                 \
    return slope;
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
  }
  return dy;
}

__global__ void forward(const float* from, float* to, int64_t n, UnaryParams p) {
  each_element_read(
      n, [&](int64_t i) { return load(from + i); },
      [&](int64_t i, Vec x) {
        store(to + i, value_of(p.fn, x, set1(p.alpha), set1(p.beta), set1(p.gamma)));
      });
}

struct Pair {
  Vec x, dy;
};
__global__ void backward(const float* from, const float* slopes, float* to, int64_t n,
                         UnaryParams p) {
  each_element_read(
      n, [&](int64_t i) { return Pair{load(from + i), load(slopes + i)}; },
      [&](int64_t i, const Pair& of) {
        store(to + i, gradient_of(p.fn, of.x, of.dy, set1(p.alpha), set1(p.beta), set1(p.gamma)));
      });
}

}  // namespace

void unary(const Call& a) {
  const auto& p = a.as<UnaryParams>();
  const int64_t n = p.size * a.samples;
  launch(forward, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)), a.f32(1),
         n, p);
}

void unary_backward(const Call& a) {
  const auto& p = a.as<UnaryParams>();
  const int64_t n = p.size * a.samples;
  const float *dy = a.f32(2), *from = a.f32(0) ? a.f32(0) : a.f32(1) ? a.f32(1) : dy;
  launch(backward, blocks_for(n), kThreads, a.stream, from, dy, a.f32(3), n, p);
}

}  // namespace convnet::cuda
