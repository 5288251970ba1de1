// The simple recurrent layer h = activation(x W + b + h U) with the samples in lanes, or the units
// of one sample. Its gradient needs nothing but the states.
#include "cpu/kernels/rnn_state.h"

namespace convnet::CONVNET_ISA {

namespace {

template <class L>
void forward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * L::lanes, steps = p.return_sequences ? p.T : 1;
  const StateWeights weights = weights_of(a, p.packed, 2, 0, p.H, p.H);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Forward<L> run{p,
                         at(5, o * p.T * L::lanes),
                         at(7, o * size),
                         a.f32(p.out + 2) + o * (p.rows + 1) * p.row,
                         a.f32(7) ? a.f32(p.out + 3) + o * p.rows * p.row : nullptr,
                         a.f32(p.out) + o * steps * size};
    if (first == 0) copy<L>(at(4, o * size), run.state(0), size);
    for (int64_t step = first; step < end; ++step) {
      if (run.skips(step)) {
        run.skip(step);
        continue;
      }
      float* h = run.state(step + 1);
      const float* xw = a.f32(p.xw) + o * p.T * size;
      const int64_t next = least(step + 1, end - 1);
      Ahead ahead;
      ahead.add(xw + p.time(next) * size, size);
      ahead.add(run.state(next + 1), p.row);
      ahead.add(run.output(next), size);
      times<L>(run.input(step), p.H, weights, p.H, xw + p.time(step) * size, h, step, ahead);
      with_gates(p, [&](const auto& gates) {
        for (int64_t i = 0; i < size; i += kWidth) store(h + i, gates.inner(load(h + i)));
      });
      if (run.mask) hold<L>(run.mask_at(step), run.state(step), h, p.row);
      run.emit(step);
    }
    if (end == p.T) copy<L>(run.state(p.T), a.f32(p.out + 1) + o * size, size);
  });
}

template <class L>
void backward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * L::lanes, steps = p.return_sequences ? p.T : 1;
  const StateWeights weights = weights_of(a, p.packed, 2, 0, p.H, p.H);
  float* scratch = static_cast<float*>(a.scratch);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Backward<L> run{p,
                          at(3, o * p.T * L::lanes),
                          at(4, o * size),
                          at(0, o * steps * size),
                          a.f32(p.out + 1) + o * size,
                          a.f32(p.out + 2) + o * p.row,
                          scratch,
                          scratch + p.row};
    if (first == 0) run.start(at(1, o * size));
    for (int64_t step = p.T - 1 - first; step >= p.T - end; --step) {
      const float* h = a.f32(5) + (o * (p.rows + 1) + step + 1) * p.row;
      float* dz = a.f32(p.out) + (o * p.T + p.time(step)) * size;
      run.enter(step);
      if (run.skips(step)) {
        copy<L>(nullptr, dz, size);
        continue;
      }
      with_gates(p, [&](const auto& gates) {
        for (int64_t i = 0; i < size; i += kWidth)
          L::put(dz + i, size - i, load(run.here + i) * gates.inner_slope(load(h + i)));
      });
      const int64_t next = most(step - 1, p.T - end);
      Ahead ahead;
      ahead.add(run.dy_at(next), size);
      ahead.add(a.f32(5) + (o * (p.rows + 1) + next + 1) * p.row, p.row);
      ahead.add(a.f32(p.out) + (o * p.T + p.time(next)) * size, size);
      times_transposed<L>(dz, p.H, weights, p.H, nullptr, run.dh, step, ahead);
      run.leave();
    }
  });
}

}  // namespace

void simple_rnn(const KernelArgs& a) {
  with_samples(a, [&](auto samples) { forward<decltype(samples)>(a); });
}

// Operands: dy, dh (of the last state), recurrent weights, mask, dropout of the state, states ->
// dz, dh0, gradients that wait.
void simple_rnn_backward(const KernelArgs& a) {
  with_samples(a, [&](auto samples) { backward<decltype(samples)>(a); });
}

}  // namespace convnet::CONVNET_ISA
