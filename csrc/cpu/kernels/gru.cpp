// GRU with the samples in lanes. Gates lie as Keras has them, z r h (update, reset, candidate): xw,
// dz [T][3][H][16]. The candidate's recurrent weights meet the state before its reset (reset after
// the product) or after it, so they are packed by themselves. Kept for the gradient: states [rows +
// 1][H][16]; [rows][H][4][16]: z, r, candidate, the candidate's recurrent product; and, for a reset
// before the product, the states after it [rows][H][16].
#include "cpu/kernels/one.h"
#include "cpu/kernels/rnn_state.h"

namespace convnet::CONVNET_ISA {

namespace {

// One unit's vectors of a step; `i` counts floats of [H][16].
struct Kept {
  float* p;
  CONVNET_INLINE float* at(int part, int64_t i) const {
    return p + i / kLanes * 4 * kLanes + part * kLanes + i % kLanes;
  }
};

template <class Gates>
CONVNET_INLINE void cells_after(const Gates& gates, int64_t H, const float* z,
                                const float* x_candidate, const float* bias, const float* h,
                                Kept kept, float* h_next) {
  const int64_t size = H * kLanes;
  for (int64_t i = 0; i < size; i += kWidth) {
    const int64_t u = i / kLanes;
    const auto plus = [&](int part) {
      return bias ? load(z + part * size + i) + set1(bias[part * H + u])
                  : load(z + part * size + i);
    };
    const Vec update = gates.gate(plus(0)), reset = gates.gate(plus(1)), product = plus(2);
    const Vec candidate = gates.inner(fma(reset, product, load(x_candidate + i)));
    store(kept.at(0, i), update);
    store(kept.at(1, i), reset);
    store(kept.at(2, i), candidate);
    store(kept.at(3, i), product);
    store(h_next + i, fma(update, load(h + i) - candidate, candidate));
  }
}

// The gates of a reset before the product, and the state after it.
template <class Gates>
CONVNET_INLINE void gates_before(const Gates& gates, int64_t H, const float* z,
                                 const float* dropped, Kept kept, float* after_reset) {
  const int64_t size = H * kLanes;
  for (int64_t i = 0; i < size; i += kWidth) {
    const Vec reset = gates.gate(load(z + size + i));
    store(kept.at(0, i), gates.gate(load(z + i)));
    store(kept.at(1, i), reset);
    store(after_reset + i, reset * load(dropped + i));
  }
}

template <class Gates>
CONVNET_INLINE void cells_before(const Gates& gates, int64_t H, const float* z, const float* h,
                                 Kept kept, float* h_next) {
  for (int64_t i = 0; i < H * kLanes; i += kWidth) {
    const Vec candidate = gates.inner(load(z + i));
    store(kept.at(2, i), candidate);
    store(h_next + i, fma(load(kept.at(0, i)), load(h + i) - candidate, candidate));
  }
}

// dz of the update gate and the candidate, and what reaches the state before directly.
template <class Gates>
CONVNET_INLINE void cells_back(const Gates& gates, int64_t H, const float* d, const float* h,
                               Kept kept, float* around, float* dz) {
  const int64_t size = H * kLanes;
  for (int64_t i = 0; i < size; i += kWidth) {
    const Vec dh = load(d + i), update = load(kept.at(0, i)), candidate = load(kept.at(2, i));
    store(dz + i, dh * (load(h + i) - candidate) * gates.gate_slope(update));
    store(dz + 2 * size + i, dh * (set1(1.0f) - update) * gates.inner_slope(candidate));
    store(around + i, fma(dh, update, load(around + i)));
  }
}

// dz of the reset gate and the gradient of the product that it scaled.
template <class Gates>
CONVNET_INLINE void reset_after_back(const Gates& gates, int64_t H, Kept kept, float* dz,
                                     float* inner_dz) {
  const int64_t size = H * kLanes;
  for (int64_t i = 0; i < size; i += kWidth) {
    const Vec reset = load(kept.at(1, i)), candidate = load(dz + 2 * size + i);
    store(dz + size + i, candidate * load(kept.at(3, i)) * gates.gate_slope(reset));
    store(inner_dz + i, candidate * reset);
  }
}

// dz of the reset gate; `d`, the gradient of the state after the reset, becomes that of the state
// before it.
template <class Gates>
CONVNET_INLINE void reset_before_back(const Gates& gates, int64_t H, Kept kept,
                                      const float* dropped, float* d, float* dz) {
  const int64_t size = H * kLanes;
  for (int64_t i = 0; i < size; i += kWidth) {
    const Vec reset = load(kept.at(1, i)), after = load(d + i);
    store(dz + size + i, after * load(dropped + i) * gates.gate_slope(reset));
    store(d + i, after * reset);
  }
}

}  // namespace

// A unit is a sequence.
void gru(const KernelArgs& a) {
  if (a.lanes == 1) return gru_of_one(a);
  const auto& p = a.as<RnnParams>();
  const int64_t H = p.H, size = H * kLanes, steps = p.return_sequences ? p.T : 1;
  float* z = static_cast<float*>(a.scratch);
  const float *packed = a.f32(p.packed), *packed_candidate = a.f32(p.packed + 1);
  const float* state_bias = a.f32(3) && p.reset_after ? a.f32(3) + 3 * H : nullptr;
  const auto at = [&](int i, int64_t n) { return a.f32(i) ? a.f32(i) + n : nullptr; };
  for (int64_t o = a.begin; o < a.end; ++o) {
    float* dropped =
        a.f32(7) ? a.f32(p.out + (p.reset_after ? 4 : 5)) + o * p.rows * size : nullptr;
    const Forward run{p,
                      at(5, o * p.T * kLanes),
                      at(7, o * size),
                      a.f32(p.out + 2) + o * (p.rows + 1) * size,
                      dropped,
                      a.f32(p.out) + o * steps * size};
    float* kept_rows = a.f32(p.out + 3) + o * p.rows * 4 * size;
    copy_or_clear(at(4, o * size), run.state(0), size);
    for (int64_t step = 0; step < p.T; ++step) {
      const float *input = run.input(step), *xw = a.f32(p.xw) + (o * p.T + p.time(step)) * 3 * size;
      const Kept kept{kept_rows + step % p.rows * 4 * size};
      product(input, H, packed, 2 * H, xw, z);
      with_gates(p, [&](const auto& gates) {
        if (p.reset_after) {
          product(input, H, packed_candidate, H, nullptr, z + 2 * size);
          cells_after(gates, H, z, xw + 2 * size, state_bias, run.state(step), kept,
                      run.state(step + 1));
        } else {
          float* after_reset = a.f32(p.out + 4) + (o * p.rows + step % p.rows) * size;
          gates_before(gates, H, z, input, kept, after_reset);
          product(after_reset, H, packed_candidate, H, xw + 2 * size, z + 2 * size);
          cells_before(gates, H, z + 2 * size, run.state(step), kept, run.state(step + 1));
        }
      });
      if (run.mask) hold(run.mask_at(step), run.state(step), run.state(step + 1), size);
      run.emit(step);
    }
    copy_or_clear(run.state(p.T), a.f32(p.out + 1) + o * size, size);
  }
}

// Operands: dy, dh (of the last state), recurrent weights, mask, dropout of the state, states,
// gates, states after dropout
// -> dz, dh0 and, for a reset after the product, the gradient of the candidate's recurrent product
// [T][H][16].
void gru_backward(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const int64_t H = p.H, size = H * kLanes, steps = p.return_sequences ? p.T : 1;
  float *scratch = static_cast<float*>(a.scratch), *d = scratch + 3 * size;
  const float *packed = a.f32(p.packed), *packed_candidate = a.f32(p.packed + 1);
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
    const float* h = a.f32(5) + o * (p.rows + 1) * size;
    run.start(at(1, o * size));
    for (int64_t step = p.T - 1; step >= 0; --step) {
      const int64_t row = o * p.T + p.time(step);
      float* dz = a.f32(p.out) + row * 3 * size;
      const Kept kept{a.f32(6) + (o * p.rows + step) * 4 * size};
      run.enter(step);
      with_gates(p, [&](const auto& gates) {
        cells_back(gates, H, run.here, h + step * size, kept, run.around, dz);
        if (p.reset_after) {
          float* inner_dz = a.f32(p.out + 2) + row * size;
          reset_after_back(gates, H, kept, dz, inner_dz);
          product(inner_dz, H, packed_candidate, H, nullptr, d);
        } else {
          product(dz + 2 * size, H, packed_candidate, H, nullptr, d);
          reset_before_back(gates, H, kept,
                            run.dropout ? a.f32(7) + (o * p.rows + step) * size : h + step * size,
                            d, dz);
        }
      });
      product(dz, 2 * H, packed, H, d, run.dh);
      run.leave();
    }
  }
}

}  // namespace convnet::CONVNET_ISA
