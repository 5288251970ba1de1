// Gradients of dense layers from shards of one sample. dx[k] is row k of the weights times dy, both
// read as they lie; many rows of dy go through tiles over transposed weights instead. dw is a sum
// of outer products.
#include "cpu/kernels/one.h"
#include "cpu/kernels/outer_sum.h"
#include "cpu/kernels/outer_sum_thin.h"
#include "cpu/kernels/row_dots.h"
#include "cpu/kernels/row_tile.h"
#include "ops/dense.h"
#include "ops/rnn.h"

namespace convnet::CONVNET_ISA {

void dense_backward_input_of_one(const KernelArgs& a) {
  const auto& p = a.as<DenseParams>();
  const int64_t begin = a.begin * kDenseUnitOfOne, end = least(a.end * kDenseUnitOfOne, p.K);
  const float* transposed = a.f32(2);
  for (int64_t s = 0; s < a.shard_count; ++s) {
    const float* dy = a.f32(0) + a.shards[s] * a.stride[0];
    float* dx = a.f32(3) + a.shards[s] * a.stride[3];
    if (transposed) {
      const Runs runs{1, 1, p.M, 0, 0, rnn_pitch(p.K)};
      each_block(end - begin, [&](int64_t at, int64_t outputs) {
        const int64_t k = begin + at;
        row_block(runs, {dy, transposed + k, nullptr, dx + k, p.M, p.K, p.rows, false}, outputs);
      });
      continue;
    }
    for (int64_t row = 0; row < p.rows; ++row)
      row_dots({a.f32(1), dy + row * p.M, nullptr, dx + row * p.K, p.M, p.M}, begin, end);
  }
}

void dense_backward_weight_of_one(const KernelArgs& a) {
  const auto& p = a.as<DenseParams>();
  const int64_t shards = a.step->shards;
  const OuterTerms samples{a.f32(0), a.f32(1), a.stride[0], a.stride[1], shards};
  if (p.thin) {
    const int64_t end = least(a.end * kThinWeightUnit, p.K);
    return outer_sum_of_few_columns(samples, a.f32(2), a.begin * kThinWeightUnit, end, p.M);
  }
  const int64_t begin = a.begin * kDenseWeightUnit, end = least(a.end * kDenseWeightUnit, p.K);
  if (p.rows == 1) return outer_sum(samples, {a.f32(2), p.M, true}, begin, end, p.M);
  for (int64_t s = 0; s < shards; ++s)
    outer_sum({a.f32(0) + s * a.stride[0], a.f32(1) + s * a.stride[1], p.K, p.M, p.rows},
              {a.f32(2), p.M, s == 0}, begin, end, p.M);
}

}  // namespace convnet::CONVNET_ISA
