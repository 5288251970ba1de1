// Cross-entropy of logits, one vector of samples at a time: with m the largest logit and s = sum
// exp(x - m), the logarithm of a softmax is (x - m) - log s, which neither overflows nor rounds to
// the logarithm of 0.
#include "ops/crossentropy.h"

#include "cpu/kernels/index.h"
#include "cpu/kernels/lanes.h"
#include "cpu/simd/math.h"

namespace convnet::CONVNET_ISA {

namespace {

CONVNET_INLINE Vec smoothed(const CrossentropyParams& p, Vec target) {
  if (p.smoothing == 0) return target;
  const float share = p.smoothing / static_cast<float>(p.classes);
  return target * set1(1.0f - p.smoothing) + set1(share);
}

// One row: classes `step` floats apart.
template <class L>
CONVNET_INLINE Vec largest_logit(const float* x, int64_t classes) {
  Vec top = L::get(x);
  for (int64_t c = 1; c < classes; ++c) top = max(L::get(x + c * L::lanes), top);
  return top;
}

// Sum of exp(x - top), the terms themselves kept where there is room for them.
template <class L>
CONVNET_INLINE Vec sum_exp(const float* x, int64_t classes, Vec top, float* terms = nullptr) {
  Vec total = zero();
  for (int64_t c = 0; c < classes; ++c) {
    const Vec e = exp(L::get(x + c * L::lanes) - top);
    if (terms) L::put(terms + c * L::lanes, e);
    total = total + e;
  }
  return total;
}

// body(offset in [rows][classes], offset in [rows]) for each vector of samples of each row at hand.
template <class L, class Body>
CONVNET_INLINE void each_row(const KernelArgs& a, int64_t classes, Body body) {
  for (int64_t row = a.begin; row < a.end; ++row)
    for (int v = 0; v < L::vectors; ++v)
      body(row * classes * L::lanes + v * kWidth, row * L::lanes + v * kWidth);
}

// exp(-|x|) and log(1 + exp(-|x|)), exact also where the sum rounds to 1 (Kahan's correction).
CONVNET_INLINE Vec log1p_exp_minus_abs(Vec x) {
  const Vec e = exp(zero() - abs(x)), u = set1(1.0f) + e;
  const Vec excess = u - set1(1.0f);
  return select(excess == zero(), e, log(u) * (e / excess));
}

// The same over n floats: op(logit, target, dy) -> result.
template <class Op>
CONVNET_INLINE void elementwise(const KernelArgs& a, const float* dy, float* out, Op op) {
  const auto& p = a.as<CrossentropyParams>();
  const float *x = a.f32(0), *t = a.f32(1);
  const int64_t begin = a.begin * kCrossentropyBlock * a.lanes;
  const int64_t end = least(a.end * kCrossentropyBlock, p.rows) * a.lanes;
  int64_t i = begin;
  for (; i + kWidth <= end; i += kWidth)
    store(out + i, op(load(x + i), smoothed(p, load(t + i)), dy ? load(dy + i) : zero()));
  for (; i < end; ++i)
    Narrow::put(out + i, op(set1(x[i]), smoothed(p, set1(t[i])), dy ? set1(dy[i]) : zero()));
}

}  // namespace

void softmax_crossentropy(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  with_lanes(a, [&](auto lanes) {
    using L = decltype(lanes);
    each_row<L>(a, p.classes, [&](int64_t at, int64_t row) {
      const float *x = a.f32(0) + at, *t = a.f32(1) + at;
      const Vec top = largest_logit<L>(x, p.classes), norm = log(sum_exp<L>(x, p.classes, top));
      Vec loss = zero();
      for (int64_t c = 0; c < p.classes; ++c) {
        const Vec minus_log = norm - (L::get(x + c * L::lanes) - top);
        loss = fma(smoothed(p, L::get(t + c * L::lanes)), minus_log, loss);
      }
      L::put(a.f32(2) + row, loss);
    });
  });
}

// d loss / d x = softmax(x) * sum(t) - t;  d loss / d t = -log softmax(x).
void softmax_crossentropy_backward(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  with_lanes(a, [&](auto lanes) {
    using L = decltype(lanes);
    each_row<L>(a, p.classes, [&](int64_t at, int64_t row) {
      const float *x = a.f32(0) + at, *t = a.f32(1) + at;
      const Vec dy = L::get(a.f32(2) + row);
      float* out = a.f32(3) + at;
      const Vec top = largest_logit<L>(x, p.classes);
      const Vec total = sum_exp<L>(x, p.classes, top, out);
      if (p.of_targets) {
        const Vec norm = log(total), factor = dy * set1(1.0f - p.smoothing);
        for (int64_t c = 0; c < p.classes; ++c)
          L::put(out + c * L::lanes, factor * (norm - (L::get(x + c * L::lanes) - top)));
        return;
      }
      Vec weight = zero();
      for (int64_t c = 0; c < p.classes; ++c)
        weight = weight + smoothed(p, L::get(t + c * L::lanes));
      const Vec scale = weight / total;
      for (int64_t c = 0; c < p.classes; ++c) {
        const Vec target = smoothed(p, L::get(t + c * L::lanes));
        L::put(out + c * L::lanes, dy * (L::get(out + c * L::lanes) * scale - target));
      }
    });
  });
}

// A label that is no class picks no logit: the loss is NaN.
void sparse_softmax_crossentropy(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  with_lanes(a, [&](auto lanes) {
    using L = decltype(lanes);
    each_row<L>(a, p.classes, [&](int64_t at, int64_t row) {
      const float* x = a.f32(0) + at;
      const Vec label = L::get(a.f32(1) + row);
      const Vec top = largest_logit<L>(x, p.classes), norm = log(sum_exp<L>(x, p.classes, top));
      Vec picked = set1(__builtin_nanf(""));
      for (int64_t c = 0; c < p.classes; ++c)
        picked =
            select(label == set1(static_cast<float>(c)), L::get(x + c * L::lanes) - top, picked);
      Vec loss = norm - picked;
      if (p.ignores) loss = keep(label != set1(p.ignored), loss);
      L::put(a.f32(2) + row, loss);
    });
  });
}

void sparse_softmax_crossentropy_backward(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  const Vec none = set1(-1.0f), classes = set1(static_cast<float>(p.classes));
  with_lanes(a, [&](auto lanes) {
    using L = decltype(lanes);
    each_row<L>(a, p.classes, [&](int64_t at, int64_t row) {
      const float* x = a.f32(0) + at;
      float* out = a.f32(3) + at;
      const Vec label = L::get(a.f32(1) + row), whole = floor(label);
      const Mask ignored = p.ignores ? label == set1(p.ignored) : mask_of(0);
      const Mask valid = (label > none) & (label < classes) & (label == whole);
      Vec dy = select(valid, L::get(a.f32(2) + row), set1(__builtin_nanf("")));
      dy = keep(~ignored, dy);
      const Vec top = largest_logit<L>(x, p.classes);
      const Vec scale = set1(1.0f) / sum_exp<L>(x, p.classes, top, out);
      for (int64_t c = 0; c < p.classes; ++c) {
        const Vec hot = keep(label == set1(static_cast<float>(c)), set1(1.0f));
        const Vec slope = L::get(out + c * L::lanes) * scale - hot;
        L::put(out + c * L::lanes, keep(~ignored, dy * slope));
      }
    });
  });
}

// max(x, 0) - x t + log(1 + exp(-|x|)).
void sigmoid_crossentropy(const KernelArgs& a) {
  elementwise(a, nullptr, a.f32(2),
              [](Vec x, Vec t, Vec) { return max(x, zero()) - x * t + log1p_exp_minus_abs(x); });
}

void sigmoid_crossentropy_backward(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  if (p.of_targets) {
    const Vec factor = set1(p.smoothing - 1.0f);
    elementwise(a, a.f32(2), a.f32(3), [&](Vec x, Vec, Vec dy) { return dy * x * factor; });
  } else {
    elementwise(a, a.f32(2), a.f32(3), [](Vec x, Vec t, Vec dy) { return dy * (sigmoid(x) - t); });
  }
}

}  // namespace convnet::CONVNET_ISA
