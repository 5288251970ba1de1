// Cross-entropy of logits, one vector of samples at a time, or of classes where a shard is one
// sample: with m the largest logit and s = sum exp(x - m), the logarithm of a softmax is (x - m) -
// log s, which neither overflows nor rounds to the logarithm of 0.
#include "ops/crossentropy.h"

#include "cpu/kernels/index.h"
#include "cpu/kernels/lanes.h"
#include "cpu/kernels/softmax_row.h"
#include "cpu/simd/math.h"

namespace convnet::CONVNET_ISA {

namespace {

CONVNET_INLINE Vec smoothed(const CrossentropyParams& p, Vec target) {
  if (p.smoothing == 0) return target;
  const float share = p.smoothing / static_cast<float>(p.classes);
  return target * set1(1.0f - p.smoothing) + set1(share);
}

// One row of classes.
CONVNET_INLINE Vec largest_logit(const float* x, int64_t classes) {
  Vec top = load(x);
  for (int64_t c = 1; c < classes; ++c) top = max(load(x + c * kLanes), top);
  return top;
}

// Sum of exp(x - top), the terms themselves kept where there is room for them.
CONVNET_INLINE Vec sum_exp(const float* x, int64_t classes, Vec top, float* terms = nullptr) {
  Vec total = zero();
  for (int64_t c = 0; c < classes; ++c) {
    const Vec e = exp(load(x + c * kLanes) - top);
    if (terms) store(terms + c * kLanes, e);
    total = total + e;
  }
  return total;
}

// Goes through the rows at hand: of one sample one(offset in [rows][classes], offset in [rows]), of
// 16 side_by_side(the same) for each vector of samples.
template <class One, class SideBySide>
CONVNET_INLINE void each_row(const KernelArgs& a, int64_t classes, One one,
                             SideBySide side_by_side) {
  for (int64_t row = a.begin; row < a.end; ++row) {
    if (a.lanes == 1) {
      one(row * classes, row);
      continue;
    }
    for (int v = 0; v < kVectors; ++v)
      side_by_side(row * classes * kLanes + v * kWidth, row * kLanes + v * kWidth);
  }
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

// The rows of one sample, classes in lanes.
struct Row {
  const CrossentropyParams& p;
  const float* x;

  float loss(const float* targets) const {
    const float top = largest_of_row(x, p.classes);
    const Vec norm = set1(log_of(sum_exp_of_row(x, p.classes, top)));
    return sum_of_row(p.classes, [&](int64_t c, int64_t n) {
      return smoothed(p, load_some(targets + c, n)) * (norm - (load_some(x + c, n) - top));
    });
  }

  void backward(const float* targets, float dy, float* out) const {
    const float top = largest_of_row(x, p.classes);
    const float total = sum_exp_of_row(x, p.classes, top, out);
    if (p.of_targets) {
      const Vec norm = set1(log_of(total)), factor = set1(dy * (1.0f - p.smoothing));
      each_part(p.classes, [&](int64_t c, int64_t n) {
        store_some(out + c, n, factor * (norm - (load_some(x + c, n) - top)));
      });
      return;
    }
    const auto target = [&](int64_t c, int64_t n) {
      return smoothed(p, load_some(targets + c, n));
    };
    const Vec scale = set1(sum_of_row(p.classes, target) / total);
    each_part(p.classes, [&](int64_t c, int64_t n) {
      store_some(out + c, n, dy * (load_some(out + c, n) * scale - target(c, n)));
    });
  }

  // The place of a label; -1 where it is no class.
  int64_t place(float label) const {
    if (!(label > -1.0f && label < static_cast<float>(p.classes))) return -1;
    const auto c = static_cast<int64_t>(label);
    return static_cast<float>(c) == label ? c : -1;
  }

  float sparse_loss(float label) const {
    if (p.ignores && label == p.ignored) return 0.0f;
    const float top = largest_of_row(x, p.classes);
    const int64_t c = place(label);
    if (c < 0) return __builtin_nanf("");
    return log_of(sum_exp_of_row(x, p.classes, top)) - (x[c] - top);
  }

  void sparse_backward(float label, float dy, float* out) const {
    const bool ignored = p.ignores && label == p.ignored;
    const int64_t hot = place(label);
    if (hot < 0) dy = __builtin_nanf("");
    const float top = largest_of_row(x, p.classes);
    const float scale = 1.0f / sum_exp_of_row(x, p.classes, top, out);
    const float slope = hot < 0 ? 0.0f : dy * (out[hot] * scale - 1.0f);
    each_part(p.classes, [&](int64_t c, int64_t n) {
      store_some(out + c, n, ignored ? zero() : dy * (load_some(out + c, n) * scale));
    });
    if (hot >= 0 && !ignored) out[hot] = slope;
  }
};

}  // namespace

void softmax_crossentropy(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  each_row(
      a, p.classes,
      [&](int64_t at, int64_t row) { a.f32(2)[row] = Row{p, a.f32(0) + at}.loss(a.f32(1) + at); },
      [&](int64_t at, int64_t row) {
        const float *x = a.f32(0) + at, *t = a.f32(1) + at;
        const Vec top = largest_logit(x, p.classes), norm = log(sum_exp(x, p.classes, top));
        Vec loss = zero();
        for (int64_t c = 0; c < p.classes; ++c) {
          const Vec minus_log = norm - (load(x + c * kLanes) - top);
          loss = fma(smoothed(p, load(t + c * kLanes)), minus_log, loss);
        }
        store(a.f32(2) + row, loss);
      });
}

// d loss / d x = softmax(x) * sum(t) - t;  d loss / d t = -log softmax(x).
void softmax_crossentropy_backward(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  each_row(
      a, p.classes,
      [&](int64_t at, int64_t row) {
        Row{p, a.f32(0) + at}.backward(a.f32(1) + at, a.f32(2)[row], a.f32(3) + at);
      },
      [&](int64_t at, int64_t row) {
        const float *x = a.f32(0) + at, *t = a.f32(1) + at;
        const Vec dy = load(a.f32(2) + row);
        float* out = a.f32(3) + at;
        const Vec top = largest_logit(x, p.classes);
        const Vec total = sum_exp(x, p.classes, top, out);
        if (p.of_targets) {
          const Vec norm = log(total), factor = dy * set1(1.0f - p.smoothing);
          for (int64_t c = 0; c < p.classes; ++c)
            store(out + c * kLanes, factor * (norm - (load(x + c * kLanes) - top)));
          return;
        }
        Vec weight = zero();
        for (int64_t c = 0; c < p.classes; ++c) weight = weight + smoothed(p, load(t + c * kLanes));
        const Vec scale = weight / total;
        for (int64_t c = 0; c < p.classes; ++c) {
          const Vec target = smoothed(p, load(t + c * kLanes));
          store(out + c * kLanes, dy * (load(out + c * kLanes) * scale - target));
        }
      });
}

// A label that is no class picks no logit: the loss is NaN.
void sparse_softmax_crossentropy(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  each_row(
      a, p.classes,
      [&](int64_t at, int64_t row) {
        a.f32(2)[row] = Row{p, a.f32(0) + at}.sparse_loss(a.f32(1)[row]);
      },
      [&](int64_t at, int64_t row) {
        const float* x = a.f32(0) + at;
        const Vec label = load(a.f32(1) + row);
        const Vec top = largest_logit(x, p.classes), norm = log(sum_exp(x, p.classes, top));
        Vec picked = set1(__builtin_nanf(""));
        for (int64_t c = 0; c < p.classes; ++c)
          picked = select(label == set1(static_cast<float>(c)), load(x + c * kLanes) - top, picked);
        Vec loss = norm - picked;
        if (p.ignores) loss = keep(label != set1(p.ignored), loss);
        store(a.f32(2) + row, loss);
      });
}

void sparse_softmax_crossentropy_backward(const KernelArgs& a) {
  const auto& p = a.as<CrossentropyParams>();
  const Vec none = set1(-1.0f), classes = set1(static_cast<float>(p.classes));
  each_row(
      a, p.classes,
      [&](int64_t at, int64_t row) {
        Row{p, a.f32(0) + at}.sparse_backward(a.f32(1)[row], a.f32(2)[row], a.f32(3) + at);
      },
      [&](int64_t at, int64_t row) {
        const float* x = a.f32(0) + at;
        float* out = a.f32(3) + at;
        const Vec label = load(a.f32(1) + row), whole = floor(label);
        const Mask ignored = p.ignores ? label == set1(p.ignored) : mask_of(0);
        const Mask valid = (label > none) & (label < classes) & (label == whole);
        Vec dy = select(valid, load(a.f32(2) + row), set1(__builtin_nanf("")));
        dy = keep(~ignored, dy);
        const Vec top = largest_logit(x, p.classes);
        const Vec scale = set1(1.0f) / sum_exp(x, p.classes, top, out);
        for (int64_t c = 0; c < p.classes; ++c) {
          const Vec hot = keep(label == set1(static_cast<float>(c)), set1(1.0f));
          const Vec slope = load(out + c * kLanes) * scale - hot;
          store(out + c * kLanes, keep(~ignored, dy * slope));
        }
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
