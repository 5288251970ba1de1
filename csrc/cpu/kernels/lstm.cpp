// LSTM with the samples in lanes, or the units of one sample. Gates lie as Keras has them, i f c o:
// xw, dz [T][4][H]. xw = x W + b of all steps is there beforehand, so that a step is one product of
// the state with the recurrent weights and a pass over the units. Kept for the gradient: rows of
// states and cells, and five of each step: i, f, g, o, activation(c).
#include "cpu/kernels/rnn_state.h"

namespace convnet::CONVNET_ISA {

namespace {

template <class L, class Gates>
CONVNET_INLINE void cells(const Gates& gates, const RnnParams& p, const Units& u, const float* z,
                          const float* c, float* kept, float* c_next, float* h_next) {
  const int64_t size = p.H * L::lanes;
  const auto keep_part = [&](int part, int64_t i, Vec x) {
    store(kept + L::kept(part, 5, i, p.row), x);
  };
  each_vector<L>(u, [&](int64_t i) {
    const Vec in = gates.gate(load(z + i)), forget = gates.gate(load(z + size + i));
    const Vec g = gates.inner(load(z + 2 * size + i)), out = gates.gate(load(z + 3 * size + i));
    keep_part(0, i, in);
    keep_part(1, i, forget);
    keep_part(2, i, g);
    keep_part(3, i, out);
    store(c_next + i, fma(forget, load(c + i), in * g));
  });
  // A pass of its own: the processor sees more of these chains of operations side by side.
  each_vector<L>(u, [&](int64_t i) {
    const Vec level = gates.inner(load(c_next + i));
    keep_part(4, i, level);
    store(h_next + i, load(kept + L::kept(3, 5, i, p.row)) * level);
  });
}

// dz and the gradient dc of the cell before, from the gradient d of the state that goes through the
// step.
template <class L, class Gates>
CONVNET_INLINE void cells_back(const Gates& gates, const RnnParams& p, const Units& u,
                               const float* mask, const float* kept, const float* c, const float* d,
                               float* dc, float* dz) {
  const int64_t size = p.H * L::lanes;
  each_vector<L>(u, [&](int64_t i) {
    const auto part = [&](int k) { return load(kept + L::kept(k, 5, i, p.row)); };
    const int64_t n = size - i;
    const Vec in = part(0), forget = part(1), g = part(2), out = part(3), level = part(4);
    const Vec dh = load(d + i), after = L::get(dc + i, n);
    Vec e = fma(dh * out, gates.inner_slope(level), after);
    if (mask) {
      const Mask m = taken<L>(mask, i);
      e = keep(m, e);
      L::put(dc + i, n, select(m, e * forget, after));
    } else {
      L::put(dc + i, n, e * forget);
    }
    L::put(dz + i, n, e * g * gates.gate_slope(in));
    L::put(dz + size + i, n, e * load(c + i) * gates.gate_slope(forget));
    L::put(dz + 2 * size + i, n, e * in * gates.inner_slope(g));
    L::put(dz + 3 * size + i, n, dh * level * gates.gate_slope(out));
  });
}

template <class L>
void forward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * L::lanes, steps = p.return_sequences ? p.T : 1;
  const StateWeights weights = weights_of(a, p.packed, 2, 0, 4 * p.H, 4 * p.H);
  float* z = static_cast<float*>(a.scratch);
  Turns turns(a);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Forward<L> run{p,
                         at(6, o * p.T * L::lanes),
                         at(8, o * size),
                         a.f32(p.out + 3) + o * (p.rows + 1) * p.row,
                         a.f32(8) ? a.f32(p.out + 6) + o * p.rows * p.row : nullptr,
                         a.f32(p.out) + o * steps * size};
    const float* xw = a.f32(p.xw) + o * p.T * 4 * size;
    float *c = a.f32(p.out + 4) + o * (p.rows + 1) * p.row,
          *kept = a.f32(p.out + 5) + o * p.rows * 5 * p.row;
    const auto cell = [&](int64_t step) { return c + step % (p.rows + 1) * p.row; };
    each_step<L>(turns, p, first, end, [&](int64_t step, const Units& u) CONVNET_INLINED {
      if (step < 0) {
        copy<L>(at(4, o * size), run.state(0), u);
        copy<L>(at(5, o * size), c, u);
        return;
      }
      if (run.skips(step)) {
        run.skip(step, u);
        copy<L>(cell(step), cell(step + 1), u);
      } else {
        const int64_t next = least(step + 1, end - 1);
        Ahead ahead;
        add_ahead<L>(ahead, p, u, xw + p.time(next) * 4 * size, 1, 4);
        add_ahead<L>(ahead, p, u, cell(next + 1));
        add_ahead<L>(ahead, p, u, run.state(next + 1));
        add_ahead<L>(ahead, p, u, run.output(next));
        add_ahead<L>(ahead, p, u, kept + next % p.rows * 5 * p.row, 5);
        times<L>(p, run.input(step), weights, 4, u, xw + p.time(step) * 4 * size, z, step, ahead);
        with_gates(p, [&](const auto& gates) {
          cells<L>(gates, p, u, z, cell(step), kept + step % p.rows * 5 * p.row, cell(step + 1),
                   run.state(step + 1));
        });
        if (run.mask) {
          hold<L>(run.mask_at(step), run.state(step), run.state(step + 1), u);
          hold<L>(run.mask_at(step), cell(step), cell(step + 1), u);
        }
        run.emit(step, u);
      }
      if (step < p.T - 1) return;
      copy<L>(run.state(p.T), a.f32(p.out + 1) + o * size, u);
      copy<L>(cell(p.T), a.f32(p.out + 2) + o * size, u);
    });
  });
  turns.finish();
}

template <class L>
void backward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * L::lanes, steps = p.return_sequences ? p.T : 1;
  const StateWeights weights = weights_of(a, p.packed, 3, 0, 4 * p.H, 4 * p.H);
  Turns turns(a);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Backward<L> run{p,
                          at(4, o * p.T * L::lanes),
                          at(5, o * size),
                          at(0, o * steps * size),
                          a.f32(p.out + 1) + o * size,
                          a.f32(p.out + 3) + o * 2 * p.row,
                          a.f32(p.out + 3) + (o * 2 + 1) * p.row,
                          static_cast<float*>(a.scratch)};
    const float *c = a.f32(6) + o * (p.rows + 1) * p.row, *kept = a.f32(7) + o * p.rows * 5 * p.row;
    float *dz = a.f32(p.out) + o * p.T * 4 * size, *dc = a.f32(p.out + 2) + o * size;
    const auto enter = [&](int64_t step, const Units& u) CONVNET_INLINED {
      float* to = dz + p.time(step) * 4 * size;
      if (step == p.T - 1) {
        run.start(at(1, o * size), u);
        copy<L>(at(2, o * size), dc, u);
      }
      run.enter(step, u);
      if (run.skips(step)) {
        for (int gate = 0; gate < 4; ++gate) copy<L>(nullptr, to + gate * size, u);
        return;
      }
      with_gates(p, [&](const auto& gates) {
        cells_back<L>(gates, p, u, run.mask_at(step), kept + step * 5 * p.row, c + step * p.row,
                      run.here, dc, to);
      });
    };
    const auto leave = [&](int64_t step, const Units& u) CONVNET_INLINED {
      if (run.skips(step)) return;
      const int64_t next = most(step - 1, p.T - end);
      Ahead ahead;
      add_ahead<L>(ahead, p, u, run.dy_at(next));
      add_ahead<L>(ahead, p, u, c + next * p.row);
      add_ahead<L>(ahead, p, u, kept + next * 5 * p.row, 5);
      add_ahead<L>(ahead, p, u, dz + p.time(next) * 4 * size, 1, 4);
      times_transposed<L>(p, dz + p.time(step) * 4 * size, weights, 4, u, nullptr, run.dh, step,
                          ahead);
      run.leave(u);
    };
    each_step_back<L>(turns, p, first, end, enter, leave);
  });
  turns.finish();
}

}  // namespace

void lstm(const KernelArgs& a) {
  with_samples(a, [&](auto samples) { forward<decltype(samples)>(a); });
}

// Operands: dy, dh, dc (of the last states), recurrent weights, mask, dropout of the state, cells,
// gates -> dz, dh0, dc0, gradients that wait.
void lstm_backward(const KernelArgs& a) {
  with_samples(a, [&](auto samples) { backward<decltype(samples)>(a); });
}

}  // namespace convnet::CONVNET_ISA
