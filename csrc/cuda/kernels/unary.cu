// Functions of one number: the list in ops/unary_list.inc, the same formulas as on the CPU.
#include "cpu/kernels/unary_functions.h"
#include "cuda/launch.h"
#include "ops/unary.h"

namespace convnet::cuda {

namespace {

#define CONVNET_UNARY(name, source, formula, slope)                                               \
  __global__ void name##_forward(const float* from, float* to, int64_t n, UnaryParams p) {        \
    [[maybe_unused]] const Vec alpha = set1(p.alpha), beta = set1(p.beta), gamma = set1(p.gamma); \
    each_element(n, [&](int64_t i) {                                                              \
      const Vec x = load(from + i);                                                               \
      store(to + i, formula);                                                                     \
    });                                                                                           \
  }                                                                                               \
  __global__ void name##_backward(const float* from, const float* slopes, float* to, int64_t n,   \
                                  UnaryParams p) {                                                \
    [[maybe_unused]] const Vec alpha = set1(p.alpha), beta = set1(p.beta), gamma = set1(p.gamma); \
    each_element(n, [&](int64_t i) {                                                              \
      [[maybe_unused]] const Vec x = load(from + i), y = x, dy = load(slopes + i);                \
      store(to + i, slope);                                                                       \
    });                                                                                           \
  }
#include "ops/unary_list.inc"
#undef CONVNET_UNARY

}  // namespace

void unary(const Call& a) {
  const auto& p = a.as<UnaryParams>();
  const int64_t n = p.size * a.samples;
  switch (p.fn) {
#define CONVNET_UNARY(name, source, formula, slope)                  \
  case Unary::name:                                                  \
    return launch(name##_forward, blocks_for(n), kThreads, a.stream, \
                  static_cast<const float*>(a.f32(0)), a.f32(1), n, p);
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
  }
}

void unary_backward(const Call& a) {
  const auto& p = a.as<UnaryParams>();
  const int64_t n = p.size * a.samples;
  const float *dy = a.f32(2), *from = a.f32(0) ? a.f32(0) : a.f32(1) ? a.f32(1) : dy;
  switch (p.fn) {
#define CONVNET_UNARY(name, source, formula, slope) \
  case Unary::name:                                 \
    return launch(name##_backward, blocks_for(n), kThreads, a.stream, from, dy, a.f32(3), n, p);
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
  }
}

}  // namespace convnet::cuda
