// GRU; see rnn_state.h. Gates lie as Keras has them, z r h. With a reset after the product, the
// candidate's part of x W + b stands apart; with one before it, the candidate's product is a second
// one. Kept of each step for the gradient: z, r, candidate, the candidate's recurrent product.
#include "cuda/kernels/rnn_state.h"

namespace convnet::cuda {

namespace {

struct GruCell {
  static constexpr int gates = 3, parts = 4, states = 1, kept = 4;
  static constexpr bool resets = true;

  template <class F>
  __device__ static __forceinline__ void step(const F& f, const RnnParams& p, const float (&z)[4],
                                              const float (&state)[1], float (&next)[1],
                                              float (&kept)[4]) {
    const float update = f.gate(z[0]), reset = f.gate(z[1]);
    const float candidate = f.inner(p.reset_after ? fmaf(reset, z[2], z[3]) : z[2]);
    next[0] = fmaf(update, state[0] - candidate, candidate);
    kept[0] = update, kept[1] = reset, kept[2] = candidate, kept[3] = z[2];
  }

  template <class F>
  __device__ static __forceinline__ void back(const F& f, const RnnParams&, float dh, bool,
                                              const Past<4>& past, float&, float& around,
                                              float (&dz)[3], float& inner) {
    const float update = past.gates[0], reset = past.gates[1], candidate = past.gates[2];
    dz[0] = dh * (past.before - candidate) * f.gate_slope(update);
    dz[2] = dh * (1.0f - update) * f.inner_slope(candidate);
    dz[1] = dz[2] * past.gates[3] * f.gate_slope(reset);
    inner = dz[2] * reset;
    around = fmaf(dh, update, around);
  }
};

}  // namespace

void gru(const Call& c) {
  RnnForward a = forward_of<GruCell>(c);
  const bool after = a.p.reset_after;
  a.state_bias = after && c.f32(3) ? c.f32(3) + 3 * a.p.H : nullptr;
  a.kept = c.f32(a.p.out + 3);
  a.reset = after ? nullptr : c.f32(a.p.out + 4);
  a.dropped = a.dropout ? c.f32(a.p.out + (after ? 4 : 5)) : nullptr;
  launch_all_steps<GruCell>(c.stream, a);
}
size_t gru_scratch(const void* params, int64_t samples) {
  return rnn_scratch<GruCell>(params, samples);
}

void gru_backward(const Call& c) {
  RnnBackward a = backward_of<GruCell>(c);
  a.states = c.f32(5);
  a.kept = c.f32(6);
  a.dropped = c.f32(7);
  a.inner_dz = a.p.reset_after ? c.f32(a.p.out + 3) : nullptr;
  launch_all_steps<GruCell>(c.stream, a);
}
size_t gru_backward_scratch(const void* params, int64_t samples) {
  return rnn_backward_scratch<GruCell>(params, samples);
}

}  // namespace convnet::cuda
