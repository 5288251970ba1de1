// LSTM; see rnn_state.h. Gates lie as Keras has them, i f c o. Kept of each step for the gradient:
// i, f, g, o, activation(c).
#include "cuda/kernels/rnn_state.h"

namespace convnet::cuda {

namespace {

struct LstmCell {
  static constexpr int gates = 4, parts = 4, states = 2, kept = 5;
  static constexpr bool resets = false;

  template <class F>
  __device__ static __forceinline__ void step(const F& f, const RnnParams&, const float (&z)[4],
                                              const float (&state)[2], float (&next)[2],
                                              float (&kept)[5]) {
    const float in = f.gate(z[0]), forget = f.gate(z[1]), g = f.inner(z[2]), out = f.gate(z[3]);
    next[1] = fmaf(forget, state[1], in * g);
    const float level = f.inner(next[1]);
    next[0] = out * level;
    kept[0] = in, kept[1] = forget, kept[2] = g, kept[3] = out, kept[4] = level;
  }

  template <class F>
  __device__ static __forceinline__ void back(const F& f, const RnnParams&, float dh, bool taken,
                                              const Past<5>& past, float& dc, float&,
                                              float (&dz)[4], float&) {
    const float in = past.gates[0], forget = past.gates[1], g = past.gates[2], out = past.gates[3],
                level = past.gates[4];
    const float e = taken ? fmaf(dh * out, f.inner_slope(level), dc) : 0.0f;
    if (taken) dc = e * forget;
    dz[0] = e * g * f.gate_slope(in);
    dz[1] = e * past.before * f.gate_slope(forget);
    dz[2] = e * in * f.inner_slope(g);
    dz[3] = dh * level * f.gate_slope(out);
  }
};

}  // namespace

void lstm(const Call& c) {
  RnnForward a = forward_of<LstmCell>(c);
  a.kept = c.f32(a.p.out + 5);
  a.dropped = a.dropout ? c.f32(a.p.out + 6) : nullptr;
  launch_all_steps<LstmCell>(c.stream, a);
}
size_t lstm_scratch(const void* params, int64_t samples) {
  return rnn_scratch<LstmCell>(params, samples);
}

// The rows of states are those of the cells.
void lstm_backward(const Call& c) {
  RnnBackward a = backward_of<LstmCell>(c);
  a.states = c.f32(6);
  a.kept = c.f32(7);
  launch_all_steps<LstmCell>(c.stream, a);
}
size_t lstm_backward_scratch(const void* params, int64_t samples) {
  return rnn_backward_scratch<LstmCell>(params, samples);
}

}  // namespace convnet::cuda
