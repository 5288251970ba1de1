// Dense layers: the samples' rows are the rows of one matrix.
#include "ops/dense.h"

#include "cuda/matrix.h"

namespace convnet::cuda {

namespace {

const DenseParams& of(const void* params) { return *static_cast<const DenseParams*>(params); }

}  // namespace

void dense(const Call& a) {
  const auto& p = a.as<DenseParams>();
  multiply(a, a.scratch, {a.samples * p.rows, p.M, p.K}, {a.f32(0), p.K, 1}, {a.f32(1), 1, p.M},
           Output(a.f32(3), a.f32(2), p.M, p.M, p.activation));
}
size_t dense_scratch(const void* params, int64_t samples) {
  const auto& p = of(params);
  return gemm_scratch({samples * p.rows, p.M, p.K});
}

void dense_backward_input(const Call& a) {
  const auto& p = a.as<DenseParams>();
  multiply(a, a.scratch, {a.samples * p.rows, p.K, p.M}, {a.f32(0), p.M, 1}, {a.f32(1), p.M, 1},
           Output(a.f32(3), nullptr, p.K, p.K, Activation::linear));
}
size_t dense_backward_input_scratch(const void* params, int64_t samples) {
  const auto& p = of(params);
  return gemm_scratch({samples * p.rows, p.K, p.M});
}

void dense_backward_weight(const Call& a) {
  const auto& p = a.as<DenseParams>();
  multiply(a, a.scratch, {p.K, p.M, a.batch * p.rows}, {a.f32(0), 1, p.K}, {a.f32(1), 1, p.M},
           Output(a.f32(2), nullptr, p.M, p.M, Activation::linear));
}
size_t dense_backward_weight_scratch(const void* params, int64_t samples) {
  const auto& p = of(params);
  return gemm_scratch({p.K, p.M, samples * p.rows});
}

}  // namespace convnet::cuda
