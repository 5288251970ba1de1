// How the state and the output of a recurrent layer go from step to step, forward and backward:
// initial states, masks, dropout of the state. A masked step keeps the state and repeats the output
// of the step before (zero where there is none).
#pragma once

#include "cpu/kernels/rnn_gates.h"
#include "cpu/kernels/rnn_product.h"

namespace convnet::CONVNET_ISA {

// `from` null: zeros.
inline void copy_or_clear(const float* from, float* to, int64_t size) {
  for (int64_t i = 0; i < size; i += kWidth) store(to + i, from ? load(from + i) : zero());
}

inline void scale_by(const float* x, const float* y, float* out, int64_t size) {
  for (int64_t i = 0; i < size; i += kWidth) store(out + i, load(x + i) * load(y + i));
}

// One vector of the samples that take part in a step.
CONVNET_INLINE Mask taken(const float* mask, int64_t i) {
  return load(mask + i % kLanes) != zero();
}

// Puts back the old state where a step is masked.
inline void hold(const float* mask, const float* old, float* state, int64_t size) {
  for (int64_t i = 0; i < size; i += kWidth)
    store(state + i, select(taken(mask, i), load(state + i), load(old + i)));
}

// One sequence on its way forward. Saved rows are used round and round where no gradient will ask
// for them.
struct Forward {
  const RnnParams& p;
  const float *mask, *dropout;  // null: none
  float *h, *dropped, *y;

  int64_t size() const { return p.H * kLanes; }
  const float* mask_at(int64_t step) const { return mask ? mask + p.time(step) * kLanes : nullptr; }
  // State before a step; the one after it is at step + 1.
  float* state(int64_t step) const { return h + step % (p.rows + 1) * size(); }

  // The state that the recurrent weights are multiplied with.
  const float* input(int64_t step) const {
    if (!dropout) return state(step);
    float* to = dropped + step % p.rows * size();
    scale_by(state(step), dropout, to, size());
    return to;
  }

  void emit(int64_t step) const {
    float* out = p.return_sequences ? y + step * size() : y;
    const float* now = state(step + 1);
    if (!mask) {
      if (p.return_sequences || step == p.T - 1) copy_or_clear(now, out, size());
      return;
    }
    const float* before = step == 0 || p.zero_output_for_mask ? nullptr
                          : p.return_sequences                ? out - size()
                                                              : out;
    for (int64_t i = 0; i < size(); i += kWidth)
      store(out + i,
            select(taken(mask_at(step), i), load(now + i), before ? load(before + i) : zero()));
  }
};

// One sequence on its way back. `dh` is the gradient of the state after the step at hand, `here`
// its part that goes through the step, `around` the part that does not; `waiting` are gradients of
// outputs that repeat an earlier one.
struct Backward {
  const RnnParams& p;
  const float *mask, *dropout, *dy;  // null: none
  float *dh, *here, *around, *waiting;

  int64_t size() const { return p.H * kLanes; }
  const float* mask_at(int64_t step) const { return mask ? mask + p.time(step) * kLanes : nullptr; }

  void start(const float* dh_last) const {
    copy_or_clear(dh_last, dh, size());
    if (mask) copy_or_clear(nullptr, waiting, size());
  }

  // Fills `here` and `around`.
  void enter(int64_t step) const {
    const float* out = !dy                  ? nullptr
                       : p.return_sequences ? dy + step * size()
                       : step == p.T - 1    ? dy
                                            : nullptr;
    if (!mask) {
      for (int64_t i = 0; i < size(); i += kWidth)
        store(here + i, out ? load(dh + i) + load(out + i) : load(dh + i));
      copy_or_clear(nullptr, around, size());
      return;
    }
    for (int64_t i = 0; i < size(); i += kWidth) {
      const Mask m = taken(mask_at(step), i);
      const Vec state = load(dh + i),
                sum = out ? load(waiting + i) + load(out + i) : load(waiting + i);
      store(here + i, keep(m, state + sum));
      store(around + i, keep(~m, state));
      store(waiting + i, p.zero_output_for_mask ? zero() : keep(~m, sum));
    }
  }

  // dh of the step before: `through` [H][16] is what came back through the recurrent weights; null:
  // it is in dh already.
  void leave() const {
    for (int64_t i = 0; i < size(); i += kWidth) {
      const Vec through = load(dh + i);
      store(dh + i, dropout ? fma(through, load(dropout + i), load(around + i))
                            : through + load(around + i));
    }
  }
};

}  // namespace convnet::CONVNET_ISA
