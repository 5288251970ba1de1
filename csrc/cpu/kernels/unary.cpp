// Functions of one number: the list in ops/unary_list.inc compiled into one loop for each function
// and direction.
#include "ops/unary.h"

#include "cpu/kernels/index.h"
#include "cpu/kernels/unary_functions.h"

namespace convnet::CONVNET_ISA {

namespace {

struct Attributes {
  Vec alpha, beta, gamma;
};

#define CONVNET_UNARY(name, source, formula, slope)                                          \
  struct name##_function {                                                                   \
    static CONVNET_INLINE Vec value(Vec x, const Attributes& attributes) {                   \
      [[maybe_unused]] const auto& [alpha, beta, gamma] = attributes;                        \
      return formula;                                                                        \
    }                                                                                        \
    static CONVNET_INLINE Vec gradient([[maybe_unused]] Vec source, [[maybe_unused]] Vec dy, \
                                       const Attributes& attributes) {                       \
      [[maybe_unused]] const auto& [alpha, beta, gamma] = attributes;                        \
      return slope;                                                                          \
    }                                                                                        \
  };
#include "ops/unary_list.inc"
#undef CONVNET_UNARY

template <class F, bool whole>
CONVNET_INLINE void forward_at(const float* x, float* y, int64_t n, const Attributes& attributes) {
  store_part<whole>(y, n, F::value(load_part<whole>(x, n), attributes));
}

template <class F>
void forward(const KernelArgs& a, const UnaryParams& p) {
  const Attributes attributes{set1(p.alpha), set1(p.beta), set1(p.gamma)};
  const float* x = a.f32(0);
  float* y = a.f32(1);
  const int64_t end = least(a.end * kElementBlock, p.size);
  int64_t i = a.begin * kElementBlock;
  for (; i + kWidth <= end; i += kWidth) forward_at<F, true>(x + i, y + i, kWidth, attributes);
  if (i < end) forward_at<F, false>(x + i, y + i, end - i, attributes);
}

template <class F, bool whole>
CONVNET_INLINE void backward_at(const float* from, const float* dy, float* dx, int64_t n,
                                const Attributes& attributes) {
  const Vec slope = F::gradient(load_part<whole>(from, n), load_part<whole>(dy, n), attributes);
  store_part<whole>(dx, n, slope);
}

template <class F>
void backward(const KernelArgs& a, const UnaryParams& p) {
  const Attributes attributes{set1(p.alpha), set1(p.beta), set1(p.gamma)};
  const float* dy = a.f32(2);
  const float* from = a.f32(0) ? a.f32(0) : a.f32(1) ? a.f32(1) : dy;
  float* dx = a.f32(3);
  const int64_t end = least(a.end * kElementBlock, p.size);
  int64_t i = a.begin * kElementBlock;
  for (; i + kWidth <= end; i += kWidth)
    backward_at<F, true>(from + i, dy + i, dx + i, kWidth, attributes);
  if (i < end) backward_at<F, false>(from + i, dy + i, dx + i, end - i, attributes);
}

}  // namespace

void unary(const KernelArgs& a) {
  const auto& p = a.as<UnaryParams>();
  switch (p.fn) {
#define CONVNET_UNARY(name, source, formula, slope) \
  case Unary::name:                                 \
    return forward<name##_function>(a, p);
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
  }
}

void unary_backward(const KernelArgs& a) {
  const auto& p = a.as<UnaryParams>();
  switch (p.fn) {
#define CONVNET_UNARY(name, source, formula, slope) \
  case Unary::name:                                 \
    return backward<name##_function>(a, p);
#include "ops/unary_list.inc"
#undef CONVNET_UNARY
  }
}

}  // namespace convnet::CONVNET_ISA
