// What recurrent layers do outside their sequential part: packing of weights, x W + b for all steps
// at once (also dz W^T, its gradient), dropout of the inputs.
#include "ops/rnn.h"
#include "cpu/kernels/rnn_product.h"

namespace convnet::CONVNET_ISA {

// A unit is a column; a panel is packed by who has its first one.
void rnn_pack(const KernelArgs& a) {
  const auto& p = a.as<RnnPackParams>();
  const float* w = a.f32(0);
  for (int64_t panel = 0; panel < panels(p.M); ++panel) {
    const int64_t begin = panel_begin(p.M, panel), end = panel_begin(p.M, panel + 1);
    if (begin < a.begin || begin >= a.end) continue;
    float* out = a.f32(1) + begin * p.K;
    for (int64_t k = 0; k < p.K; ++k)
      for (int64_t m = begin; m < end; ++m)
        *out++ = p.transpose ? w[m * p.pitch + p.first + k] : w[k * p.pitch + p.first + m];
  }
}

void rnn_project(const KernelArgs& a) {
  const auto& p = a.as<RnnProjectParams>();
  const float *bias = a.f32(2), *packed = a.f32(p.packed);
  float* init = bias ? static_cast<float*>(a.scratch) : nullptr;
  if (bias)
    for (int64_t i = 0; i < p.M * kLanes; i += kWidth) store(init + i, set1(bias[i / kLanes]));
  const float* x = a.f32(0) + a.begin * p.K * kLanes;
  float* y = a.f32(p.packed + 1) + a.begin * p.M * kLanes;
  for (int64_t panel = 0; panel < panels(p.M); ++panel) {
    const int64_t begin = panel_begin(p.M, panel), columns = panel_begin(p.M, panel + 1) - begin;
    panel_of<kPanel>(columns,
                     {x, packed + begin * p.K, init ? init + begin * kLanes : nullptr,
                      y + begin * kLanes, p.K, a.end - a.begin, p.K * kLanes, 0, p.M * kLanes});
  }
}

void rnn_dropout(const KernelArgs& a) {
  const auto& p = a.as<RnnDropoutParams>();
  for (int64_t row = a.begin; row < a.end; ++row) {
    const float *x = a.f32(0) + row * p.F * kLanes, *mask = a.f32(1) + row / p.T * p.F * kLanes;
    float* y = a.f32(2) + row * p.F * kLanes;
    for (int64_t i = 0; i < p.F * kLanes; i += kWidth) store(y + i, load(x + i) * load(mask + i));
  }
}

}  // namespace convnet::CONVNET_ISA
