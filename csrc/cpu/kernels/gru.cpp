// GRU with the samples in lanes, or the units of one sample. Gates lie as Keras has them, z r h
// (update, reset, candidate): xw, dz [T][3][H]. The candidate's recurrent weights meet the state
// before its reset (reset after the product) or after it, so they stand by themselves. Kept for the
// gradient: rows of states; four of each step: z, r, candidate, the candidate's recurrent product;
// and, for a reset before the product, the states after it.
#include "cpu/kernels/rnn_state.h"

namespace convnet::CONVNET_ISA {

namespace {

// What is kept of a step.
template <class L>
struct Kept {
  float* p;
  int64_t row;
  CONVNET_INLINE float* at(int part, int64_t i) const { return p + L::kept(part, 4, i, row); }
};

template <class L, class Gates>
CONVNET_INLINE void cells_after(const Gates& gates, int64_t H, const Units& u, const float* z,
                                const float* x_candidate, const float* bias, const float* h,
                                const Kept<L>& kept, float* h_next) {
  const int64_t size = H * L::lanes;
  each_vector<L>(u, [&](int64_t i) {
    const auto plus = [&](int part) {
      const Vec product = load(z + part * size + i);
      return bias ? product + L::of_unit(bias + part * H, i, H) : product;
    };
    const Vec update = gates.gate(plus(0)), reset = gates.gate(plus(1)), product = plus(2);
    const Vec candidate = gates.inner(fma(reset, product, L::get(x_candidate + i, size - i)));
    store(kept.at(0, i), update);
    store(kept.at(1, i), reset);
    store(kept.at(2, i), candidate);
    store(kept.at(3, i), product);
    store(h_next + i, fma(update, load(h + i) - candidate, candidate));
  });
}

// The gates of a reset before the product, and the state after it.
template <class L, class Gates>
CONVNET_INLINE void gates_before(const Gates& gates, int64_t H, const Units& u, const float* z,
                                 const float* dropped, const Kept<L>& kept, float* after_reset) {
  const int64_t size = H * L::lanes;
  each_vector<L>(u, [&](int64_t i) {
    const Vec reset = gates.gate(load(z + size + i));
    store(kept.at(0, i), gates.gate(load(z + i)));
    store(kept.at(1, i), reset);
    store(after_reset + i, reset * load(dropped + i));
  });
}

template <class L, class Gates>
CONVNET_INLINE void cells_before(const Gates& gates, const Units& u, const float* z, const float* h,
                                 const Kept<L>& kept, float* h_next) {
  each_vector<L>(u, [&](int64_t i) {
    const Vec candidate = gates.inner(load(z + i));
    store(kept.at(2, i), candidate);
    store(h_next + i, fma(load(kept.at(0, i)), load(h + i) - candidate, candidate));
  });
}

// dz of the update gate and the candidate, and what reaches the state before directly.
template <class L, class Gates>
CONVNET_INLINE void cells_back(const Gates& gates, int64_t H, const Units& u, const float* d,
                               const float* h, const Kept<L>& kept, float* around, float* dz) {
  const int64_t size = H * L::lanes;
  each_vector<L>(u, [&](int64_t i) {
    const Vec dh = load(d + i), update = load(kept.at(0, i)), candidate = load(kept.at(2, i));
    L::put(dz + i, size - i, dh * (load(h + i) - candidate) * gates.gate_slope(update));
    L::put(dz + 2 * size + i, size - i, dh * (set1(1.0f) - update) * gates.inner_slope(candidate));
    store(around + i, fma(dh, update, load(around + i)));
  });
}

// dz of the reset gate and the gradient of the product that it scaled.
template <class L, class Gates>
CONVNET_INLINE void reset_after_back(const Gates& gates, int64_t H, const Units& u,
                                     const Kept<L>& kept, float* dz, float* inner_dz) {
  const int64_t size = H * L::lanes;
  each_vector<L>(u, [&](int64_t i) {
    const Vec reset = load(kept.at(1, i)), candidate = L::get(dz + 2 * size + i, size - i);
    L::put(dz + size + i, size - i, candidate * load(kept.at(3, i)) * gates.gate_slope(reset));
    store(inner_dz + i, candidate * reset);
  });
}

// dz of the reset gate; `d`, the gradient of the state after the reset, becomes that of the state
// before it.
template <class L, class Gates>
CONVNET_INLINE void reset_before_back(const Gates& gates, int64_t H, const Units& u,
                                      const Kept<L>& kept, const float* dropped, float* d,
                                      float* dz) {
  const int64_t size = H * L::lanes;
  each_vector<L>(u, [&](int64_t i) {
    const Vec reset = load(kept.at(1, i)), after = load(d + i);
    L::put(dz + size + i, size - i, after * load(dropped + i) * gates.gate_slope(reset));
    store(d + i, after * reset);
  });
}

template <class L>
void forward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t H = p.H, size = H * L::lanes, steps = p.return_sequences ? p.T : 1;
  float* z = static_cast<float*>(a.scratch);
  const StateWeights weights = weights_of(a, p.packed, 2, 0, 2 * H, 3 * H),
                     of_candidate = weights_of(a, p.packed + 1, 2, 2 * H, H, 3 * H);
  const float* state_bias = a.f32(3) && p.reset_after ? a.f32(3) + 3 * H : nullptr;
  Turns turns(a);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Forward<L> run{
        p,
        at(5, o * p.T * L::lanes),
        at(7, o * size),
        a.f32(p.out + 2) + o * (p.rows + 1) * p.row,
        a.f32(7) ? a.f32(p.out + (p.reset_after ? 4 : 5)) + o * p.rows * p.row : nullptr,
        a.f32(p.out) + o * steps * size};
    float* kept_rows = a.f32(p.out + 3) + o * p.rows * 4 * p.row;
    const auto work = [&](int64_t step, const Units& u) CONVNET_INLINED {
      const float *input = run.input(step), *xw = a.f32(p.xw) + (o * p.T + p.time(step)) * 3 * size;
      const Kept<L> kept{kept_rows + step % p.rows * 4 * p.row, p.row};
      const int64_t next = least(step + 1, end - 1);
      Ahead ahead;
      add_ahead<L>(ahead, p, u, a.f32(p.xw) + (o * p.T + p.time(next)) * 3 * size, 1, 3);
      add_ahead<L>(ahead, p, u, run.state(next + 1));
      add_ahead<L>(ahead, p, u, run.output(next));
      add_ahead<L>(ahead, p, u, kept_rows + next % p.rows * 4 * p.row, 4);
      times<L>(p, input, weights, 2, u, xw, z, step, ahead);
      with_gates(p, [&](const auto& gates) {
        if (p.reset_after) {
          times<L>(p, input, of_candidate, 1, u, nullptr, z + 2 * size, step);
          cells_after<L>(gates, H, u, z, xw + 2 * size, state_bias, run.state(step), kept,
                         run.state(step + 1));
        } else {
          float* after_reset = a.f32(p.out + 4) + (o * p.rows + step % p.rows) * p.row;
          gates_before<L>(gates, H, u, z, input, kept, after_reset);
          times<L>(p, after_reset, of_candidate, 1, u, xw + 2 * size, z + 2 * size, step);
          cells_before<L>(gates, u, z + 2 * size, run.state(step), kept, run.state(step + 1));
        }
      });
      if (run.mask) hold<L>(run.mask_at(step), run.state(step), run.state(step + 1), u);
      run.emit(step, u);
    };
    each_step<L>(turns, p, first, end, [&](int64_t step, const Units& u) CONVNET_INLINED {
      if (step < 0) return copy<L>(at(4, o * size), run.state(0), u);
      if (run.skips(step)) {
        run.skip(step, u);
      } else {
        work(step, u);
      }
      if (step == p.T - 1) copy<L>(run.state(p.T), a.f32(p.out + 1) + o * size, u);
    });
  });
  turns.finish();
}

template <class L>
void backward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t H = p.H, size = H * L::lanes, steps = p.return_sequences ? p.T : 1;
  float *scratch = static_cast<float*>(a.scratch), *d = scratch + p.row;
  Turns turns(a);
  const StateWeights weights = weights_of(a, p.packed, 2, 0, 2 * H, 3 * H),
                     of_candidate = weights_of(a, p.packed + 1, 2, 2 * H, H, 3 * H);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  each_sequence<L>(a, p, [&](int64_t o, int64_t first, int64_t end) {
    const Backward<L> run{p,
                          at(3, o * p.T * L::lanes),
                          at(4, o * size),
                          at(0, o * steps * size),
                          a.f32(p.out + 1) + o * size,
                          a.f32(p.out + 2) + o * 2 * p.row,
                          a.f32(p.out + 2) + (o * 2 + 1) * p.row,
                          scratch};
    const float* h = a.f32(5) + o * (p.rows + 1) * p.row;
    const auto dz_at = [&](int64_t step) {
      return a.f32(p.out) + (o * p.T + p.time(step)) * 3 * size;
    };
    const auto inner_dz_at = [&](int64_t step) {
      return p.reset_after ? a.f32(p.out + 3) + (o * p.T + p.time(step)) * p.row : nullptr;
    };
    const auto kept_at = [&](int64_t step) { return a.f32(6) + (o * p.rows + step) * 4 * p.row; };
    const auto enter = [&](int64_t step, const Units& u) CONVNET_INLINED {
      float *dz = dz_at(step), *inner_dz = inner_dz_at(step);
      const Kept<L> kept{kept_at(step), p.row};
      if (step == p.T - 1) run.start(at(1, o * size), u);
      run.enter(step, u);
      if (run.skips(step)) {
        for (int gate = 0; gate < 3; ++gate) copy<L>(nullptr, dz + gate * size, u);
        if (inner_dz) copy<L>(nullptr, inner_dz, u);
        return;
      }
      with_gates(p, [&](const auto& gates) {
        cells_back<L>(gates, H, u, run.here, h + step * p.row, kept, run.around, dz);
        if (p.reset_after) reset_after_back<L>(gates, H, u, kept, dz, inner_dz);
      });
    };
    const auto leave = [&](int64_t step, const Units& u) CONVNET_INLINED {
      if (run.skips(step)) return;
      float* dz = dz_at(step);
      if (p.reset_after) {
        times_transposed<L>(p, inner_dz_at(step), of_candidate, 1, u, nullptr, d, step);
      } else {
        const float* before =
            run.dropout ? a.f32(7) + (o * p.rows + step) * p.row : h + step * p.row;
        times_transposed<L>(p, dz + 2 * size, of_candidate, 1, u, nullptr, d, step);
        with_gates(p, [&](const auto& gates) {
          reset_before_back<L>(gates, H, u, Kept<L>{kept_at(step), p.row}, before, d, dz);
        });
      }
      const int64_t next = most(step - 1, p.T - end);
      Ahead ahead;
      add_ahead<L>(ahead, p, u, run.dy_at(next));
      add_ahead<L>(ahead, p, u, h + next * p.row);
      add_ahead<L>(ahead, p, u, kept_at(next), 4);
      add_ahead<L>(ahead, p, u, dz_at(next), 1, 3);
      add_ahead<L>(ahead, p, u, inner_dz_at(next));
      times_transposed<L>(p, dz, weights, 2, u, d, run.dh, step, ahead);
      run.leave(u);
    };
    each_step_back<L>(turns, p, first, end, enter, leave);
  });
  turns.finish();
}

}  // namespace

void gru(const KernelArgs& a) {
  with_samples(a, [&](auto samples) { forward<decltype(samples)>(a); });
}

// Operands: dy, dh (of the last state), recurrent weights, mask, dropout of the state, states,
// gates, states after dropout
// -> dz, dh0, gradients that wait and, for a reset after the product, rows of the gradient of the
// candidate's recurrent product.
void gru_backward(const KernelArgs& a) {
  with_samples(a, [&](auto samples) { backward<decltype(samples)>(a); });
}

}  // namespace convnet::CONVNET_ISA
