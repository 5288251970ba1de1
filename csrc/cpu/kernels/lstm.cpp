// LSTM with the samples in lanes. Gates lie as Keras has them, i f c o: xw, dz [T][4][H][16].
// xw = x W + b of all steps is there beforehand, so that a step is one product of the state with
// the packed recurrent weights and a pass over the units. Kept for the gradient: states and cells
// [rows + 1][H][16], and [rows][H][5][16]: i, f, g, o, activation(c).
#include "cpu/kernels/one.h"
#include "cpu/kernels/rnn_state.h"

namespace convnet::CONVNET_ISA {

namespace {

template <class Gates>
CONVNET_INLINE void cells(const Gates& gates, int64_t H, const float* z, const float* c,
                          float* kept, float* c_next, float* h_next) {
  const int64_t size = H * kLanes;
  for (int64_t u = 0; u < size; u += kLanes)
    for (int64_t i = u; i < u + kLanes; i += kWidth) {
      float* to = kept + u * 5 + i - u;
      const Vec in = gates.gate(load(z + i)), forget = gates.gate(load(z + size + i));
      const Vec g = gates.inner(load(z + 2 * size + i)), out = gates.gate(load(z + 3 * size + i));
      const Vec next = fma(forget, load(c + i), in * g), level = gates.inner(next);
      store(to, in);
      store(to + kLanes, forget);
      store(to + 2 * kLanes, g);
      store(to + 3 * kLanes, out);
      store(to + 4 * kLanes, level);
      store(c_next + i, next);
      store(h_next + i, out * level);
    }
}

// dz and the gradient dc of the cell before, from the gradient d of the state that goes through the
// step.
template <class Gates>
CONVNET_INLINE void cells_back(const Gates& gates, int64_t H, const float* mask, const float* kept,
                               const float* c, const float* d, float* dc, float* dz) {
  const int64_t size = H * kLanes;
  for (int64_t u = 0; u < size; u += kLanes)
    for (int64_t i = u; i < u + kLanes; i += kWidth) {
      const float* from = kept + u * 5 + i - u;
      const Vec in = load(from), forget = load(from + kLanes), g = load(from + 2 * kLanes),
                out = load(from + 3 * kLanes);
      const Vec level = load(from + 4 * kLanes), dh = load(d + i), after = load(dc + i);
      Vec e = fma(dh * out, gates.inner_slope(level), after);
      if (mask) {
        const Mask m = taken(mask, i);
        e = keep(m, e);
        store(dc + i, select(m, e * forget, after));
      } else {
        store(dc + i, e * forget);
      }
      store(dz + i, e * g * gates.gate_slope(in));
      store(dz + size + i, e * load(c + i) * gates.gate_slope(forget));
      store(dz + 2 * size + i, e * in * gates.inner_slope(g));
      store(dz + 3 * size + i, dh * level * gates.gate_slope(out));
    }
}

}  // namespace

// A unit is a sequence.
void lstm(const KernelArgs& a) {
  if (a.lanes == 1) return lstm_of_one(a);
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * kLanes, steps = p.return_sequences ? p.T : 1;
  float* z = static_cast<float*>(a.scratch);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  for (int64_t o = a.begin; o < a.end; ++o) {
    const Forward run{p,
                      at(6, o * p.T * kLanes),
                      at(8, o * size),
                      a.f32(p.out + 3) + o * (p.rows + 1) * size,
                      a.f32(8) ? a.f32(p.out + 6) + o * p.rows * size : nullptr,
                      a.f32(p.out) + o * steps * size};
    const float* xw = a.f32(p.xw) + o * p.T * 4 * size;
    float *c = a.f32(p.out + 4) + o * (p.rows + 1) * size,
          *kept = a.f32(p.out + 5) + o * p.rows * 5 * size;
    copy_or_clear(at(4, o * size), run.state(0), size);
    copy_or_clear(at(5, o * size), c, size);
    const auto cell = [&](int64_t step) { return c + step % (p.rows + 1) * size; };
    for (int64_t step = 0; step < p.T; ++step) {
      product(run.input(step), p.H, a.f32(p.packed), 4 * p.H, xw + p.time(step) * 4 * size, z);
      with_gates(p, [&](const auto& gates) {
        cells(gates, p.H, z, cell(step), kept + step % p.rows * 5 * size, cell(step + 1),
              run.state(step + 1));
      });
      if (run.mask) {
        hold(run.mask_at(step), run.state(step), run.state(step + 1), size);
        hold(run.mask_at(step), cell(step), cell(step + 1), size);
      }
      run.emit(step);
    }
    copy_or_clear(run.state(p.T), a.f32(p.out + 1) + o * size, size);
    copy_or_clear(cell(p.T), a.f32(p.out + 2) + o * size, size);
  }
}

// Operands: dy, dh, dc (of the last states), recurrent weights, mask, dropout of the state, cells,
// gates -> dz, dh0, dc0.
void lstm_backward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t size = p.H * kLanes, steps = p.return_sequences ? p.T : 1;
  float* scratch = static_cast<float*>(a.scratch);
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  for (int64_t o = a.begin; o < a.end; ++o) {
    const Backward run{p,
                       at(4, o * p.T * kLanes),
                       at(5, o * size),
                       at(0, o * steps * size),
                       a.f32(p.out + 1) + o * size,
                       scratch,
                       scratch + size,
                       scratch + 2 * size};
    const float *c = a.f32(6) + o * (p.rows + 1) * size, *kept = a.f32(7) + o * p.rows * 5 * size;
    float *dz = a.f32(p.out) + o * p.T * 4 * size, *dc = a.f32(p.out + 2) + o * size;
    run.start(at(1, o * size));
    copy_or_clear(at(2, o * size), dc, size);
    for (int64_t step = p.T - 1; step >= 0; --step) {
      float* to = dz + p.time(step) * 4 * size;
      run.enter(step);
      with_gates(p, [&](const auto& gates) {
        cells_back(gates, p.H, run.mask_at(step), kept + step * 5 * size, c + step * size, run.here,
                   dc, to);
      });
      product(to, 4 * p.H, a.f32(p.packed), p.H, nullptr, run.dh);
      run.leave();
    }
  }
}

}  // namespace convnet::CONVNET_ISA
