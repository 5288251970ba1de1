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
  Turns turns(a);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Forward<L> run{p,
                         at(5, o * p.T * L::lanes),
                         at(7, o * size),
                         a.f32(p.out + 2) + o * (p.rows + 1) * p.row,
                         a.f32(7) ? a.f32(p.out + 3) + o * p.rows * p.row : nullptr,
                         a.f32(p.out) + o * steps * size};
    each_step<L>(turns, p, first, end, [&](int64_t step, const Units& u) CONVNET_INLINED {
      if (step < 0) return copy<L>(at(4, o * size), run.state(0), u);
      if (run.skips(step)) {
        run.skip(step, u);
      } else {
        float* h = run.state(step + 1);
        const float* xw = a.f32(p.xw) + o * p.T * size;
        const int64_t next = least(step + 1, end - 1);
        Ahead ahead;
        add_ahead<L>(ahead, p, u, xw + p.time(next) * size);
        add_ahead<L>(ahead, p, u, run.state(next + 1));
        add_ahead<L>(ahead, p, u, run.output(next));
        times<L>(p, run.input(step), weights, 1, u, xw + p.time(step) * size, h, step, ahead);
        with_gates(p, [&](const auto& gates) {
          each_vector<L>(u, [&](int64_t i) { store(h + i, gates.inner(load(h + i))); });
        });
        if (run.mask) hold<L>(run.mask_at(step), run.state(step), h, u);
        run.emit(step, u);
      }
      if (step == p.T - 1) copy<L>(run.state(p.T), a.f32(p.out + 1) + o * size, u);
    });
  });
  turns.finish();
}

template <class L>
void backward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * L::lanes, steps = p.return_sequences ? p.T : 1;
  const StateWeights weights = weights_of(a, p.packed, 2, 0, p.H, p.H);
  Turns turns(a);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Backward<L> run{p,
                          at(3, o * p.T * L::lanes),
                          at(4, o * size),
                          at(0, o * steps * size),
                          a.f32(p.out + 1) + o * size,
                          a.f32(p.out + 2) + o * 2 * p.row,
                          a.f32(p.out + 2) + (o * 2 + 1) * p.row,
                          static_cast<float*>(a.scratch)};
    const auto dz_at = [&](int64_t step) { return a.f32(p.out) + (o * p.T + p.time(step)) * size; };
    const auto enter = [&](int64_t step, const Units& u) CONVNET_INLINED {
      const float* h = a.f32(5) + (o * (p.rows + 1) + step + 1) * p.row;
      float* dz = dz_at(step);
      if (step == p.T - 1) run.start(at(1, o * size), u);
      run.enter(step, u);
      if (run.skips(step)) return copy<L>(nullptr, dz, u);
      with_gates(p, [&](const auto& gates) {
        each_vector<L>(u, [&](int64_t i) {
          L::put(dz + i, size - i, load(run.here + i) * gates.inner_slope(load(h + i)));
        });
      });
    };
    const auto leave = [&](int64_t step, const Units& u) CONVNET_INLINED {
      if (run.skips(step)) return;
      const int64_t next = most(step - 1, p.T - end);
      Ahead ahead;
      add_ahead<L>(ahead, p, u, run.dy_at(next));
      add_ahead<L>(ahead, p, u, a.f32(5) + (o * (p.rows + 1) + next + 1) * p.row);
      add_ahead<L>(ahead, p, u, dz_at(next));
      times_transposed<L>(p, dz_at(step), weights, 1, u, nullptr, run.dh, step, ahead);
      run.leave(u);
    };
    each_step_back<L>(turns, p, first, end, enter, leave);
  });
  turns.finish();
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
