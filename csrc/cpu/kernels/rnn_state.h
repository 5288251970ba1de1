// How the state and the output of a recurrent layer go from step to step, forward and backward:
// initial states, masks, dropout of the state. A masked step keeps the state and repeats the output
// of the step before (zero where there is none).
//
// States lie as [H][16], or as [H] where a shard is one sample. What a kernel keeps for itself lies
// in rows of whole vectors, `row` floats, and is read and written so: what is beyond the units
// counts for nothing.
#pragma once

#include "cpu/kernels/rnn_gates.h"
#include "cpu/kernels/rnn_product.h"
#include "cpu/kernels/row_dots.h"
#include "cpu/kernels/row_runs.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

// Samples in lanes.
struct Sixteen {
  static constexpr int64_t lanes = kLanes;
  // A vector of a value of the graph, n floats before its end.
  static CONVNET_INLINE Vec get(const float* p, int64_t) { return load(p); }
  static CONVNET_INLINE void put(float* p, int64_t, Vec x) { store(p, x); }
  // At float `i` of a row: what x has for each sample, and for each unit of n.
  static CONVNET_INLINE Vec of_sample(const float* x, int64_t i) { return load(x + i % kLanes); }
  static CONVNET_INLINE Vec of_unit(const float* x, int64_t i, int64_t) {
    return set1(x[i / kLanes]);
  }
  // Vector `part` of `parts` that are kept of each unit.
  static CONVNET_INLINE int64_t kept(int part, int parts, int64_t i, int64_t) {
    return (i / kLanes * parts + part) * kLanes + i % kLanes;
  }
};

// Units in lanes.
struct One {
  static constexpr int64_t lanes = 1;
  static CONVNET_INLINE Vec get(const float* p, int64_t n) { return load_some(p, n); }
  static CONVNET_INLINE void put(float* p, int64_t n, Vec x) { store_some(p, n, x); }
  static CONVNET_INLINE Vec of_sample(const float* x, int64_t) { return set1(*x); }
  static CONVNET_INLINE Vec of_unit(const float* x, int64_t i, int64_t n) {
    return load_some(x + i, n - i);
  }
  static CONVNET_INLINE int64_t kept(int part, int, int64_t i, int64_t row) {
    return part * row + i;
  }
};

// work(Sixteen{}) or work(One{}).
template <class Work>
CONVNET_INLINE void with_samples(const KernelArgs& a, Work work) {
  if (a.lanes == 1) {
    work(One{});
  } else {
    work(Sixteen{});
  }
}

// body(o, first, end): steps [first, end) of sequence `o`. A unit is a sequence, or of one sample a
// step: those of a sequence come in order.
template <class L, class Body>
CONVNET_INLINE void each_sequence(const KernelArgs& a, const RnnParams& p, Body body) {
  if constexpr (L::lanes == 1) {
    for (int64_t unit = a.begin; unit < a.end;) {
      const int64_t o = unit / p.T, end = least(a.end, (o + 1) * p.T);
      body(o, unit - o * p.T, end - o * p.T);
      unit = end;
    }
  } else {
    for (int64_t o = a.begin; o < a.end; ++o) body(o, 0, p.T);
  }
}

constexpr int64_t kSmallWeights = 1 << 15;  // so many mostly lie in the first-level cache

// Recurrent weights as they are packed, or columns of them where they lie.
struct StateWeights {
  const float* w;
  int64_t pitch;  // of rows, of one sample
};

CONVNET_INLINE StateWeights weights_of(const KernelArgs& a, int packed, int plain, int64_t first,
                                       int64_t columns, int64_t all) {
  if (a.f32(packed)) return {a.f32(packed), rnn_pitch(columns)};
  return {a.f32(plain) + first, all};
}

// out [M] = init [M] (zeros where null) + x [K] times weights, of each sample. Few weights of one
// sample are gone through to and fro: what a step has read last is still in the first-level cache.
template <class L, class A = NothingAhead>
CONVNET_INLINE void times(const float* x, int64_t K, const StateWeights& w, int64_t M,
                          const float* init, float* out, int64_t step, const A& ahead = {}) {
  if constexpr (L::lanes == 1) {
    const RowTimes r{x, w.w, init, out, K, w.pitch};
    if (K * M > kSmallWeights)
      row_runs(r, {0, M});
    else
      row_times(r, 0, M, step % 2);
  } else {
    product(x, K, w.w, M, init, out, ahead);
  }
}

// The same with the weights' transpose, which for 16 samples is how they were packed.
template <class L, class A = NothingAhead>
CONVNET_INLINE void times_transposed(const float* x, int64_t K, const StateWeights& w, int64_t M,
                                     const float* init, float* out, int64_t step,
                                     const A& ahead = {}) {
  if constexpr (L::lanes == 1) {
    row_dots({w.w, x, init, out, K, w.pitch}, 0, M, step % 2);
  } else {
    product(x, K, w.w, M, init, out, ahead);
  }
}

// Between values of the graph and rows; `from` null: zeros.
template <class L>
CONVNET_INLINE void copy(const float* from, float* to, int64_t size) {
  for (int64_t i = 0; i < size; i += kWidth)
    L::put(to + i, size - i, from ? L::get(from + i, size - i) : zero());
}

// Samples that take part in a step.
template <class L>
CONVNET_INLINE Mask taken(const float* mask, int64_t i) {
  return L::of_sample(mask, i) != zero();
}

// Puts back the old state where a step is masked.
template <class L>
CONVNET_INLINE void hold(const float* mask, const float* old, float* state, int64_t row) {
  for (int64_t i = 0; i < row; i += kWidth)
    store(state + i, select(taken<L>(mask, i), load(state + i), load(old + i)));
}

// One sequence on its way forward. Saved rows are used round and round where no gradient will ask
// for them.
template <class L>
struct Forward {
  const RnnParams& p;
  const float *mask, *dropout;  // null: none
  float *h, *dropped, *y;

  int64_t size() const { return p.H * L::lanes; }
  const float* mask_at(int64_t step) const {
    return mask ? mask + p.time(step) * L::lanes : nullptr;
  }
  // State before a step; the one after it is at step + 1.
  float* state(int64_t step) const { return h + step % (p.rows + 1) * p.row; }

  // Whether no sample takes part in a step: it needs no arithmetic.
  bool skips(int64_t step) const { return L::lanes == 1 && mask && *mask_at(step) == 0; }
  void skip(int64_t step) const {
    copy<L>(state(step), state(step + 1), size());
    emit(step);
  }

  // The state that the recurrent weights are multiplied with.
  const float* input(int64_t step) const {
    if (!dropout) return state(step);
    const float* from = state(step);
    float* to = dropped + step % p.rows * p.row;
    for (int64_t i = 0; i < p.row; i += kWidth)
      store(to + i, load(from + i) * L::get(dropout + i, size() - i));
    return to;
  }

  float* output(int64_t step) const { return p.return_sequences ? y + step * size() : y; }

  void emit(int64_t step) const {
    float* out = output(step);
    const float* now = state(step + 1);
    if (!mask) {
      if (p.return_sequences || step == p.T - 1) copy<L>(now, out, size());
      return;
    }
    const float* before = step == 0 || p.zero_output_for_mask ? nullptr
                          : p.return_sequences                ? out - size()
                                                              : out;
    for (int64_t i = 0; i < size(); i += kWidth) {
      const Vec repeated = before ? L::get(before + i, size() - i) : zero();
      L::put(out + i, size() - i, select(taken<L>(mask_at(step), i), load(now + i), repeated));
    }
  }
};

// One sequence on its way back. `dh` is the gradient of the state after the step at hand, `here`
// its part that goes through the step, `around` the part that does not; `waiting` are gradients of
// outputs that repeat an earlier one.
template <class L>
struct Backward {
  const RnnParams& p;
  const float *mask, *dropout, *dy;  // null: none
  float *dh, *waiting, *here, *around;

  int64_t size() const { return p.H * L::lanes; }
  const float* mask_at(int64_t step) const {
    return mask ? mask + p.time(step) * L::lanes : nullptr;
  }

  void start(const float* dh_last) const {
    copy<L>(dh_last, dh, size());
    if (mask) copy<L>(nullptr, waiting, size());
  }

  // Whether nothing goes through a step: `enter` is all there is to it.
  bool skips(int64_t step) const { return L::lanes == 1 && mask && *mask_at(step) == 0; }

  // The gradient of a step's output; null: none.
  const float* dy_at(int64_t step) const {
    if (dy && p.return_sequences) return dy + step * size();
    return step == p.T - 1 ? dy : nullptr;
  }

  // Fills `here` and `around`.
  void enter(int64_t step) const {
    const float* out = dy_at(step);
    for (int64_t i = 0; i < size(); i += kWidth) {
      const int64_t n = size() - i;
      const Vec state = L::get(dh + i, n), given = out ? L::get(out + i, n) : zero();
      if (!mask) {
        store(here + i, out ? state + given : state);
        store(around + i, zero());
        continue;
      }
      const Mask m = taken<L>(mask_at(step), i);
      const Vec sum = out ? load(waiting + i) + given : load(waiting + i);
      store(here + i, keep(m, state + sum));
      store(around + i, keep(~m, state));
      store(waiting + i, p.zero_output_for_mask ? zero() : keep(~m, sum));
    }
  }

  // dh of the step before: what came back through the recurrent weights is in dh already.
  void leave() const {
    for (int64_t i = 0; i < size(); i += kWidth) {
      const int64_t n = size() - i;
      const Vec through = L::get(dh + i, n);
      L::put(dh + i, n,
             dropout ? fma(through, L::get(dropout + i, n), load(around + i))
                     : through + load(around + i));
    }
  }
};

}  // namespace convnet::CONVNET_ISA
