// What recurrent layers do outside their sequential part: packing of weights, x W + b for all steps
// at once (also dz W^T, its gradient), dropout of the inputs.
#include "ops/rnn.h"

#include "cpu/kernels/one.h"
#include "cpu/kernels/rnn_product.h"
#include "cpu/kernels/row_tile.h"
#include "cpu/kernels/rows.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

// A unit is a column; a panel is packed by who has its first one.
void pack_panels(const KernelArgs& a, const RnnPackParams& p) {
  const int64_t gates = most(p.gates, 1), columns = p.M / gates;
  const Panels panels(columns, p.gates > 0);
  const float* w = a.f32(0) + p.first;
  const int64_t k_pitch = p.transpose ? 1 : p.pitch, m_pitch = p.transpose ? p.pitch : 1;
  for (int64_t i = 0; i < gates * panels.count; ++i) {
    const int64_t panel = i % panels.count,
                  begin = i / panels.count * columns + panels.begin(panel),
                  end = begin + panels.width(panel);
    if (begin < a.begin || begin >= a.end) continue;
    float* out = a.f32(1) + begin * p.K;
    for (int64_t k = 0; k < p.K; ++k)
      for (int64_t m = begin; m < end; ++m) *out++ = w[k * k_pitch + m * m_pitch];
  }
}

// Columns [begin, end) of rows that begin at whole vectors.
void pack_rows(const RnnPackParams& p, const float* w, float* out, int64_t begin, int64_t end) {
  for (int64_t k = 0; k < p.K; ++k)
    for (int64_t m = begin; m < end; m += kWidth)
      store(out + k * p.row + m, m < p.M ? load_some(w + k * p.pitch + m, p.M - m) : zero());
}

void pack_transposed(const RnnPackParams& p, const float* w, float* out, int64_t begin,
                     int64_t end) {
  for (int64_t m = begin; m < end; m += kWidth)
    for (int64_t k = 0; k < p.K; k += kWidth) {
      const int64_t n = least(kWidth, p.K - k);
      Vec square[kWidth];
      CONVNET_EACH(i, kWidth)
        square[i] = m + i < p.M ? load_some(w + (m + i) * p.pitch + k, n) : zero();
      transpose(square);
      for (int64_t i = 0; i < n; ++i) store(out + (k + i) * p.row + m, square[i]);
    }
}

// A unit is a row.
void project_one(const KernelArgs& a) {
  const auto& p = a.as<RnnProjectParams>();
  const bool packed = a.f32(p.packed) != nullptr;
  const float *x = a.f32(0) + a.begin * p.K, *w = a.f32(packed ? p.packed : 1), *bias = a.f32(2);
  float* y = a.f32(p.packed + 1) + a.begin * p.M;
  const Runs runs{1, 1, p.K, 0, 0, packed ? rnn_pitch(p.M) : p.M};
  each_block(p.M, [&](int64_t at, int64_t outputs) {
    row_block(runs,
              {x, w + at, bias ? bias + at : nullptr, y + at, p.K, p.M, a.end - a.begin, false},
              outputs);
  });
}

}  // namespace

void rnn_pack(const KernelArgs& a) {
  const auto& p = a.as<RnnPackParams>();
  if (!p.row) return pack_panels(a, p);
  const int64_t begin = a.begin * kRnnPackBlock, end = least(a.end * kRnnPackBlock, p.row);
  (p.transpose ? pack_transposed : pack_rows)(p, a.f32(0) + p.first, a.f32(1), begin, end);
}

// A unit is a row.
void rnn_project(const KernelArgs& a) {
  if (a.lanes == 1) return project_one(a);
  const auto& p = a.as<RnnProjectParams>();
  const float* bias = a.f32(2);
  float* init = static_cast<float*>(a.scratch);
  if (bias)
    for (int64_t i = 0; i < p.M * kLanes; i += kWidth) store(init + i, set1(bias[i / kLanes]));
  multiply({a.f32(0) + a.begin * p.K * kLanes, a.f32(p.packed), bias ? init : nullptr,
            a.f32(p.packed + 1) + a.begin * p.M * kLanes, p.K, p.M, a.end - a.begin, true},
           NothingAhead{});
}

// A unit is a step.
void rnn_dropout(const KernelArgs& a) {
  const auto& p = a.as<RnnDropoutParams>();
  const int64_t size = p.F * a.lanes;
  for (int64_t row = a.begin; row < a.end; ++row) {
    const float *x = a.f32(0) + row * size, *mask = a.f32(1) + row / p.T * size;
    float* y = a.f32(2) + row * size;
    for (int64_t i = 0; i < size; i += kWidth)
      store_some(y + i, size - i, load_some(x + i, size - i) * load_some(mask + i, size - i));
  }
}

}  // namespace convnet::CONVNET_ISA
