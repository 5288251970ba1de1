// Gradients of dense layers from shards of one sample. dx[k] is row k of the weights times dy, both
// read as they lie; many rows of dy go through tiles over transposed weights instead. dw is a sum
// of outer products.
#include "cpu/kernels/one.h"
#include "cpu/kernels/outer_sum.h"
#include "cpu/kernels/row_tile.h"
#include "cpu/simd/transpose.h"
#include "ops/dense.h"

namespace convnet::CONVNET_ISA {

namespace {

// dx[k .. k + kWidth) of one row of dy. Rows of weights beyond the last repeat it.
CONVNET_INLINE Vec dots(const DenseParams& p, const float* w, const float* dy, int64_t k) {
  const float* row[kWidth];
  CONVNET_EACH(i, kWidth) row[i] = w + least(k + i, p.K - 1) * p.M;
  Vec sums[kWidth];
  CONVNET_EACH(i, kWidth) sums[i] = zero();
  int64_t m = 0;
  for (; m + kWidth <= p.M; m += kWidth) {
    const Vec g = load(dy + m);
    CONVNET_EACH(i, kWidth) sums[i] = fma(load(row[i] + m), g, sums[i]);
  }
  if (m < p.M) {
    const Vec g = load_first(dy + m, p.M - m);
    CONVNET_EACH(i, kWidth) sums[i] = fma(load_first(row[i] + m, p.M - m), g, sums[i]);
  }
  transpose(sums);
  for (int n = kWidth / 2; n > 0; n /= 2)
    for (int i = 0; i < n; ++i) sums[i] = sums[i] + sums[i + n];
  return sums[0];
}

}  // namespace

void dense_backward_input_of_one(const KernelArgs& a) {
  const auto& p = a.as<DenseParams>();
  const int64_t begin = a.begin * kDenseUnitOfOne, end = least(a.end * kDenseUnitOfOne, p.K);
  const float* transposed = a.f32(2);
  for (int64_t s = 0; s < a.shard_count; ++s) {
    const float* dy = a.f32(0) + a.shards[s] * a.stride[0];
    float* dx = a.f32(3) + a.shards[s] * a.stride[3];
    if (transposed) {
      const Runs runs{1, 1, p.M, 0, 0, div_up(p.K, 16) * 16};
      each_block(end - begin, [&](int64_t at, int64_t outputs) {
        const int64_t k = begin + at;
        row_block(runs, {dy, transposed + k, nullptr, dx + k, p.M, p.K, p.rows, false}, outputs);
      });
      continue;
    }
    for (int64_t row = 0; row < p.rows; ++row)
      for (int64_t k = begin; k < end; k += kWidth)
        store_some(dx + row * p.K + k, end - k, dots(p, a.f32(1), dy + row * p.M, k));
  }
}

void dense_backward_weight_of_one(const KernelArgs& a) {
  const auto& p = a.as<DenseParams>();
  const int64_t begin = a.begin * kDenseWeightUnit, end = least(a.end * kDenseWeightUnit, p.K);
  const int64_t shards = a.step->shards;
  if (p.rows == 1)
    return outer_sum({a.f32(0), a.f32(1), a.stride[0], a.stride[1], shards},
                     {a.f32(2), p.M, true}, begin, end, p.M);
  for (int64_t s = 0; s < shards; ++s)
    outer_sum({a.f32(0) + s * a.stride[0], a.f32(1) + s * a.stride[1], p.K, p.M, p.rows},
              {a.f32(2), p.M, s == 0}, begin, end, p.M);
}

}  // namespace convnet::CONVNET_ISA
