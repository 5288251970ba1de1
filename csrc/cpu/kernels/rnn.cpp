// What recurrent layers do outside their sequential part: packing of weights, x W + b for all steps
// at once (also dz W^T, its gradient), dropout of the inputs.
#include "ops/rnn.h"
#include "cpu/kernels/one.h"
#include "cpu/kernels/rnn_product.h"

namespace convnet::CONVNET_ISA {

// A unit is a column; a panel is packed by who has its first one.
void rnn_pack(const KernelArgs& a) {
  const auto& p = a.as<RnnPackParams>();
  const Panels panels(p.M);
  const float* w = a.f32(0) + p.first;
  const int64_t k_pitch = p.transpose ? 1 : p.pitch, m_pitch = p.transpose ? p.pitch : 1;
  for (int64_t panel = 0; panel < panels.count; ++panel) {
    const int64_t begin = panels.begin(panel), end = begin + panels.width(panel);
    if (begin < a.begin || begin >= a.end) continue;
    float* out = a.f32(1) + begin * p.K;
    for (int64_t k = 0; k < p.K; ++k)
      for (int64_t m = begin; m < end; ++m) *out++ = w[k * k_pitch + m * m_pitch];
  }
}

// A unit is a row.
void rnn_project(const KernelArgs& a) {
  if (a.lanes == 1) return rnn_project_of_one(a);
  const auto& p = a.as<RnnProjectParams>();
  const float* bias = a.f32(2);
  float* init = static_cast<float*>(a.scratch);
  if (bias)
    for (int64_t i = 0; i < p.M * kLanes; i += kWidth) store(init + i, set1(bias[i / kLanes]));
  multiply({a.f32(0) + a.begin * p.K * kLanes, a.f32(p.packed), bias ? init : nullptr,
            a.f32(p.packed + 1) + a.begin * p.M * kLanes, p.K, p.M, a.end - a.begin, true});
}

// A unit is a step.
void rnn_dropout(const KernelArgs& a) {
  const auto& p = a.as<RnnDropoutParams>();
  const int64_t size = p.F * kLanes;
  for (int64_t row = a.begin; row < a.end; ++row) {
    const float *x = a.f32(0) + row * size, *mask = a.f32(1) + row / p.T * size;
    float* y = a.f32(2) + row * size;
    for (int64_t i = 0; i < size; i += kWidth) store(y + i, load(x + i) * load(mask + i));
  }
}

}  // namespace convnet::CONVNET_ISA
