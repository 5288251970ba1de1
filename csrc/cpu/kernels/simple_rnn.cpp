// The simple recurrent layer h = activation(x W + b + h U), samples in lanes. Its gradient needs
// nothing but the states.
#include "cpu/kernels/one.h"
#include "cpu/kernels/rnn_state.h"

namespace convnet::CONVNET_ISA {

// A unit is a sequence.
void simple_rnn(const KernelArgs& a) {
  if (a.lanes == 1) return simple_rnn_of_one(a);
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * kLanes, steps = p.return_sequences ? p.T : 1;
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  for (int64_t o = a.begin; o < a.end; ++o) {
    const Forward run{p,
                      at(5, o * p.T * kLanes),
                      at(7, o * size),
                      a.f32(p.out + 2) + o * (p.rows + 1) * size,
                      a.f32(7) ? a.f32(p.out + 3) + o * p.rows * size : nullptr,
                      a.f32(p.out) + o * steps * size};
    copy_or_clear(at(4, o * size), run.state(0), size);
    for (int64_t step = 0; step < p.T; ++step) {
      float* h = run.state(step + 1);
      product(run.input(step), p.H, a.f32(p.packed), p.H,
              a.f32(p.xw) + (o * p.T + p.time(step)) * size, h);
      with_gates(p, [&](const auto& gates) {
        for (int64_t i = 0; i < size; i += kWidth) store(h + i, gates.inner(load(h + i)));
      });
      if (run.mask) hold(run.mask_at(step), run.state(step), h, size);
      run.emit(step);
    }
    copy_or_clear(run.state(p.T), a.f32(p.out + 1) + o * size, size);
  }
}

// Operands: dy, dh (of the last state), recurrent weights, mask, dropout of the state, states ->
// dz, dh0.
void simple_rnn_backward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * kLanes, steps = p.return_sequences ? p.T : 1;
  float* scratch = static_cast<float*>(a.scratch);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  for (int64_t o = a.begin; o < a.end; ++o) {
    const Backward run{p,
                       at(3, o * p.T * kLanes),
                       at(4, o * size),
                       at(0, o * steps * size),
                       a.f32(p.out + 1) + o * size,
                       scratch,
                       scratch + size,
                       scratch + 2 * size};
    run.start(at(1, o * size));
    for (int64_t step = p.T - 1; step >= 0; --step) {
      const float* h = a.f32(5) + (o * (p.rows + 1) + step + 1) * size;
      float* dz = a.f32(p.out) + (o * p.T + p.time(step)) * size;
      run.enter(step);
      with_gates(p, [&](const auto& gates) {
        for (int64_t i = 0; i < size; i += kWidth)
          store(dz + i, load(run.here + i) * gates.inner_slope(load(h + i)));
      });
      product(dz, p.H, a.f32(p.packed), p.H, nullptr, run.dh);
      run.leave();
    }
  }
}

}  // namespace convnet::CONVNET_ISA
