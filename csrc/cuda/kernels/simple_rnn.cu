// The simple recurrent layer h = activation(x W + b + h U); see rnn_state.h.
#include "cuda/kernels/rnn_state.h"

namespace convnet::cuda {

namespace {

struct SimpleCell {
  static constexpr int gates = 1, parts = 1, states = 1, kept = 0;
  static constexpr bool resets = false;

  template <class F>
  __device__ static __forceinline__ void step(const F& f, const RnnParams&, const float (&z)[1],
                                              const float (&)[1], float (&next)[1], float (&)[1]) {
    next[0] = f.inner(z[0]);
  }
  template <class F>
  __device__ static __forceinline__ void back(const F& f, const RnnParams&, float dh, bool,
                                              const Past<0>& past, float&, float&, float (&dz)[1],
                                              float&) {
    dz[0] = dh * f.inner_slope(past.after);
  }
};

}  // namespace

void simple_rnn(const Call& c) {
  RnnForward a = forward_of<SimpleCell>(c);
  a.dropped = a.dropout ? c.f32(a.p.out + 3) : nullptr;
  launch_all_steps<SimpleCell>(c.stream, a);
}
size_t simple_rnn_scratch(const void* params, int64_t samples) {
  return rnn_scratch<SimpleCell>(params, samples);
}

void simple_rnn_backward(const Call& c) {
  RnnBackward a = backward_of<SimpleCell>(c);
  a.states = c.f32(5);
  launch_all_steps<SimpleCell>(c.stream, a);
}
size_t simple_rnn_backward_scratch(const void* params, int64_t samples) {
  return rnn_backward_scratch<SimpleCell>(params, samples);
}

}  // namespace convnet::cuda
