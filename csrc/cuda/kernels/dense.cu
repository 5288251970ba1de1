// Dense layers: the samples' rows are the rows of one matrix.
#include "ops/dense.h"

#include "cpu/kernels/activation.h"
#include "cuda/gemm.h"

namespace convnet::cuda {

namespace {

struct PutActivated {
  float* y;
  const float* bias;
  int64_t M;
  Activation activation;
  CONVNET_INLINE void operator()(int64_t, int64_t row, int64_t m, float sum) const {
    store(y + row * M + m, activate(activation, set1(bias ? sum + bias[m] : sum)));
  }
};

}  // namespace

void dense(const Call& a) {
  const auto& p = a.as<DenseParams>();
  gemm(a.stream, a.samples * p.rows, p.M, p.K, Matrix{a.f32(0), p.K, 1}, Matrix{a.f32(1), p.M, 1},
       PutActivated{a.f32(3), a.f32(2), p.M, p.activation});
}

void dense_backward_input(const Call& a) {
  const auto& p = a.as<DenseParams>();
  gemm(a.stream, a.samples * p.rows, p.K, p.M, Matrix{a.f32(0), p.M, 1}, Matrix{a.f32(1), 1, p.M},
       PutActivated{a.f32(3), nullptr, p.K, Activation::linear});
}

void dense_backward_weight(const Call& a) {
  const auto& p = a.as<DenseParams>();
  gemm_of_sums(a.stream, p.K, p.M, a.batch * p.rows, Matrix{a.f32(0), 1, p.K},
               Matrix{a.f32(1), p.M, 1}, a.f32(2), a.scratch);
}
size_t dense_backward_weight_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const DenseParams*>(params);
  return scratch_of_sums(p.K, p.M, samples * p.rows);
}

}  // namespace convnet::cuda
