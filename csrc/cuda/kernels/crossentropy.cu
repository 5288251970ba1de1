// Cross-entropy of logits: a block for each row of classes. With m the largest logit and s = sum
// exp(x - m), the logarithm of a softmax is (x - m) - log s.
#include "ops/crossentropy.h"

#include "cpu/simd/math.h"
#include "cuda/block.h"

namespace convnet::cuda {

namespace {

CONVNET_INLINE float smoothed(const CrossentropyParams& p, float target) {
  if (p.smoothing == 0) return target;
  return target * (1.0f - p.smoothing) + p.smoothing / static_cast<float>(p.classes);
}

CONVNET_INLINE float exp_of(float x) { return exp(set1(x)).v; }
CONVNET_INLINE float log_of(float x) { return log(set1(x)).v; }

struct Norm {
  float top, sum;
};
__device__ __forceinline__ Norm norm_of(const float* x, int64_t classes) {
  float top = -__builtin_inff(), sum = 0;
  for (int64_t c = threadIdx.x; c < classes; c += kThreads) top = max(set1(x[c]), set1(top)).v;
  top = over_block(top, [](float a, float b) { return max(set1(a), set1(b)).v; });
  for (int64_t c = threadIdx.x; c < classes; c += kThreads) sum += exp_of(x[c] - top);
  return {top, sum_over_block(sum)};
}

// The place of a label; -1 where it is no class.
CONVNET_INLINE int64_t place_of(float label, int64_t classes) {
  if (!(label > -1.0f && label < static_cast<float>(classes))) return -1;
  const auto c = static_cast<int64_t>(label);
  return static_cast<float>(c) == label ? c : -1;
}

__global__ void loss(const float* x, const float* targets, float* out, int64_t rows,
                     CrossentropyParams p) {
  each_row_of_block(rows, [&](int64_t row) {
    const float *logits = x + row * p.classes, *t = targets + row * p.classes;
    const Norm n = norm_of(logits, p.classes);
    const float norm = log_of(n.sum);
    float sum = 0;
    for (int64_t c = threadIdx.x; c < p.classes; c += kThreads)
      sum += smoothed(p, t[c]) * (norm - (logits[c] - n.top));
    sum = sum_over_block(sum);
    if (threadIdx.x == 0) out[row] = sum;
  });
}

__global__ void loss_backward(const float* x, const float* targets, const float* dy, float* dx,
                              int64_t rows, CrossentropyParams p) {
  each_row_of_block(rows, [&](int64_t row) {
    const float *logits = x + row * p.classes, *t = targets + row * p.classes;
    float* out = dx + row * p.classes;
    const Norm n = norm_of(logits, p.classes);
    if (p.of_targets) {
      const float norm = log_of(n.sum), factor = dy[row] * (1.0f - p.smoothing);
      for (int64_t c = threadIdx.x; c < p.classes; c += kThreads)
        out[c] = factor * (norm - (logits[c] - n.top));
      return;
    }
    float weight = 0;
    for (int64_t c = threadIdx.x; c < p.classes; c += kThreads) weight += smoothed(p, t[c]);
    const float scale = sum_over_block(weight) / n.sum;
    for (int64_t c = threadIdx.x; c < p.classes; c += kThreads)
      out[c] = dy[row] * (exp_of(logits[c] - n.top) * scale - smoothed(p, t[c]));
  });
}

__global__ void sparse_loss(const float* x, const float* labels, float* out, int64_t rows,
                            CrossentropyParams p) {
  each_row_of_block(rows, [&](int64_t row) {
    const float* logits = x + row * p.classes;
    const Norm n = norm_of(logits, p.classes);
    if (threadIdx.x) return;
    const int64_t hot = place_of(labels[row], p.classes);
    const bool ignored = p.ignores && labels[row] == p.ignored;
    out[row] = ignored   ? 0.0f
               : hot < 0 ? __builtin_nanf("")
                         : log_of(n.sum) - (logits[hot] - n.top);
  });
}

__global__ void sparse_loss_backward(const float* x, const float* labels, const float* dy,
                                     float* dx, int64_t rows, CrossentropyParams p) {
  each_row_of_block(rows, [&](int64_t row) {
    const float* logits = x + row * p.classes;
    const Norm n = norm_of(logits, p.classes);
    const int64_t hot = place_of(labels[row], p.classes);
    const bool ignored = p.ignores && labels[row] == p.ignored;
    const float slope = hot < 0 ? __builtin_nanf("") : dy[row], scale = 1.0f / n.sum;
    for (int64_t c = threadIdx.x; c < p.classes; c += kThreads) {
      const float share = exp_of(logits[c] - n.top) * scale - (c == hot ? 1.0f : 0.0f);
      dx[row * p.classes + c] = ignored ? 0.0f : slope * share;
    }
  });
}

// exp(-|x|) and log(1 + exp(-|x|)), exact also where the sum rounds to 1 (Kahan's correction).
CONVNET_INLINE Vec log1p_exp_minus_abs(Vec x) {
  const Vec e = exp(zero() - abs(x)), u = set1(1.0f) + e;
  const Vec excess = u - set1(1.0f);
  return select(excess == zero(), e, log(u) * (e / excess));
}

__global__ void binary_loss(const float* x, const float* targets, float* out, int64_t n,
                            CrossentropyParams p) {
  each_element(n, [&](int64_t i) {
    const Vec logit = set1(x[i]), target = set1(smoothed(p, targets[i]));
    store(out + i, max(logit, zero()) - logit * target + log1p_exp_minus_abs(logit));
  });
}

__global__ void binary_loss_backward(const float* x, const float* targets, const float* dy,
                                     float* dx, int64_t n, CrossentropyParams p) {
  each_element(n, [&](int64_t i) {
    dx[i] = p.of_targets ? dy[i] * x[i] * (p.smoothing - 1.0f)
                         : dy[i] * (sigmoid(set1(x[i])).v - smoothed(p, targets[i]));
  });
}

template <class Kernel>
void by_row(const Call& a, Kernel kernel) {
  const auto& p = a.as<CrossentropyParams>();
  const int64_t rows = a.samples * p.rows;
  launch(kernel, blocks_for_rows(rows), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(2), rows, p);
}
template <class Kernel>
void by_row_backward(const Call& a, Kernel kernel) {
  const auto& p = a.as<CrossentropyParams>();
  const int64_t rows = a.samples * p.rows;
  launch(kernel, blocks_for_rows(rows), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), static_cast<const float*>(a.f32(2)), a.f32(3), rows,
         p);
}

}  // namespace

void softmax_crossentropy(const Call& a) { by_row(a, loss); }
void softmax_crossentropy_backward(const Call& a) { by_row_backward(a, loss_backward); }
void sparse_softmax_crossentropy(const Call& a) { by_row(a, sparse_loss); }
void sparse_softmax_crossentropy_backward(const Call& a) {
  by_row_backward(a, sparse_loss_backward);
}

void sigmoid_crossentropy(const Call& a) {
  const auto& p = a.as<CrossentropyParams>();
  const int64_t n = a.samples * p.rows;
  launch(binary_loss, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(2), n, p);
}

void sigmoid_crossentropy_backward(const Call& a) {
  const auto& p = a.as<CrossentropyParams>();
  const int64_t n = a.samples * p.rows;
  launch(binary_loss_backward, blocks_for(n), kThreads, a.stream,
         static_cast<const float*>(a.f32(0)), static_cast<const float*>(a.f32(1)),
         static_cast<const float*>(a.f32(2)), a.f32(3), n, p);
}

}  // namespace convnet::cuda
