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
#include "cpu/kernels/turns.h"

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

// The units that a thread has of a step, and the panels of their weights, the end at most that of
// all panels.
struct Units {
  int64_t begin, end;
  int64_t panel, panel_end;
};

// body(units) for the units of a turn of a thread: whole cache lines.
template <class L, class Body>
CONVNET_INLINE void next_turn(Turns& turns, const RnnParams& p, Body body) {
  turns.next([&](int part, int parts) CONVNET_INLINED {
    Units u{0, p.H, 0, INT64_MAX};
    if (parts > 1 && L::lanes == 1) {
      const int64_t lines = div_up(p.H, kLanes);
      u.begin = cut(lines, parts, part) * kLanes;
      u.end = least(cut(lines, parts, part + 1) * kLanes, p.H);
    } else if (parts > 1) {
      const Panels panels(p.H, p.shared);
      u.panel = cut(panels.count, parts, part);
      u.panel_end = cut(panels.count, parts, part + 1);
      u.begin = panels.begin(u.panel);
      u.end = panels.begin(u.panel_end);
    }
    body(u);
  });
}

// body(i) for the vectors of units of a row.
template <class L, class Body>
CONVNET_INLINE void each_vector(const Units& u, Body body) {
  const int64_t end = u.end * L::lanes;
  for (int64_t i = u.begin * L::lanes; i < end; i += kWidth) body(i);
}

// Of a row to come, `values` of each unit in each of `gates` gates one after another.
template <class L>
CONVNET_INLINE void add_ahead(Ahead& ahead, const RnnParams& p, const Units& u, const float* row,
                              int64_t values = 1, int gates = 1) {
  if (L::lanes == 1 || !row) return;  // one sample's rows are short
  for (int gate = 0; gate < gates; ++gate)
    ahead.add(row + (gate * p.H + u.begin * values) * L::lanes,
              (u.end - u.begin) * values * L::lanes);
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

// out = init (zeros where null) + x [H] times weights [H][gates][H], for units of each gate. Few
// weights of one sample are gone through to and fro: what a step has read last is still in the
// first-level cache.
template <class L, class A = NothingAhead>
CONVNET_INLINE void times(const RnnParams& p, const float* x, const StateWeights& w, int gates,
                          const Units& u, const float* init, float* out, int64_t step,
                          A ahead = {}) {
  const int64_t M = gates * p.H;
  if constexpr (L::lanes == 1) {
    const RowTimes r{x, w.w, init, out, p.H, w.pitch};
    const bool all = u.end - u.begin == p.H;
    const RunOutputs to = all ? RunOutputs{0, M} : RunOutputs{u.begin, u.end, gates, p.H};
    if (p.H * M > kSmallWeights) return row_runs(r, to);
    for (int64_t part = 0; part < to.parts; ++part)
      row_times(r, to.begin + part * to.step, to.end + part * to.step, step % 2);
  } else if (!p.shared) {
    multiply({x, w.w, init, out, p.H, M, 1, false}, ahead);
  } else {
    const Panels panels(p.H, true);
    for (int gate = 0; gate < gates; ++gate) {
      const int64_t at = gate * p.H;
      multiply({x, w.w + at * p.H, init ? init + at * kLanes : nullptr, out + at * kLanes, p.H, p.H,
                1, false},
               panels, u.panel, u.panel_end, ahead);
    }
  }
}

// out [H] = init [H] (zeros where null) + x [gates][H] times the weights' transpose, which for 16
// samples is how they were packed, for units of the result.
template <class L, class A = NothingAhead>
CONVNET_INLINE void times_transposed(const RnnParams& p, const float* x, const StateWeights& w,
                                     int gates, const Units& u, const float* init, float* out,
                                     int64_t step, A ahead = {}) {
  const int64_t K = gates * p.H;
  if constexpr (L::lanes == 1) {
    row_dots({w.w, x, init, out, K, w.pitch}, u.begin, u.end, step % 2);
  } else {
    multiply({x, w.w, init, out, K, p.H, 1, false}, Panels(p.H, p.shared), u.panel, u.panel_end,
             ahead);
  }
}

// Units between values of the graph and rows; `from` null: zeros.
template <class L>
CONVNET_INLINE void copy(const float* from, float* to, const Units& u) {
  const int64_t end = u.end * L::lanes;
  each_vector<L>(
      u, [&](int64_t i) { L::put(to + i, end - i, from ? L::get(from + i, end - i) : zero()); });
}

// Samples that take part in a step.
template <class L>
CONVNET_INLINE Mask taken(const float* mask, int64_t i) {
  return L::of_sample(mask, i) != zero();
}

// Puts back the old state where a step is masked.
template <class L>
CONVNET_INLINE void hold(const float* mask, const float* old, float* state, const Units& u) {
  each_vector<L>(u, [&](int64_t i) {
    store(state + i, select(taken<L>(mask, i), load(state + i), load(old + i)));
  });
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
  void skip(int64_t step, const Units& u) const {
    copy<L>(state(step), state(step + 1), u);
    emit(step, u);
  }

  // The state that the recurrent weights are multiplied with. With dropout steps are not shared.
  const float* input(int64_t step) const {
    if (!dropout) return state(step);
    const float* from = state(step);
    float* to = dropped + step % p.rows * p.row;
    for (int64_t i = 0; i < p.row; i += kWidth)
      store(to + i, load(from + i) * L::get(dropout + i, size() - i));
    return to;
  }

  float* output(int64_t step) const { return p.return_sequences ? y + step * size() : y; }

  void emit(int64_t step, const Units& u) const {
    float* out = output(step);
    const float* now = state(step + 1);
    if (!mask) {
      if (p.return_sequences || step == p.T - 1) copy<L>(now, out, u);
      return;
    }
    const float* before = step == 0 || p.zero_output_for_mask ? nullptr
                          : p.return_sequences                ? out - size()
                                                              : out;
    each_vector<L>(u, [&](int64_t i) {
      const Vec repeated = before ? L::get(before + i, size() - i) : zero();
      L::put(out + i, size() - i, select(taken<L>(mask_at(step), i), load(now + i), repeated));
    });
  }
};

// body(step, units) for steps [first, end), beginning with a step -1 that fetches the first state.
template <class L, class Body>
CONVNET_INLINE void each_step(Turns& turns, const RnnParams& p, int64_t first, int64_t end,
                              Body body) {
  for (int64_t step = first ? first : -1; step < end; ++step)
    next_turn<L>(turns, p, [&](const Units& u) CONVNET_INLINED { body(step, u); });
}

// One sequence on its way back. `dh` is the gradient of the state after the step at hand, `here`
// its part that goes through the step, `around` the part that does not; `waiting` are gradients of
// outputs that repeat an earlier one. `here` is of use to one thread only.
template <class L>
struct Backward {
  const RnnParams& p;
  const float *mask, *dropout, *dy;  // null: none
  float *dh, *waiting, *around, *here;

  int64_t size() const { return p.H * L::lanes; }
  const float* mask_at(int64_t step) const {
    return mask ? mask + p.time(step) * L::lanes : nullptr;
  }

  void start(const float* dh_last, const Units& u) const {
    copy<L>(dh_last, dh, u);
    if (mask) copy<L>(nullptr, waiting, u);
  }

  // Whether nothing goes through a step: `enter` is all there is to it.
  bool skips(int64_t step) const { return L::lanes == 1 && mask && *mask_at(step) == 0; }

  // The gradient of a step's output; null: none.
  const float* dy_at(int64_t step) const {
    if (dy && p.return_sequences) return dy + step * size();
    return step == p.T - 1 ? dy : nullptr;
  }

  // Fills `here` and `around`.
  void enter(int64_t step, const Units& u) const {
    const float* out = dy_at(step);
    each_vector<L>(u, [&](int64_t i) {
      const int64_t n = size() - i;
      const Vec state = L::get(dh + i, n), given = out ? L::get(out + i, n) : zero();
      if (!mask) {
        store(here + i, out ? state + given : state);
        store(around + i, zero());
        return;
      }
      const Mask m = taken<L>(mask_at(step), i);
      const Vec sum = out ? load(waiting + i) + given : load(waiting + i);
      store(here + i, keep(m, state + sum));
      store(around + i, keep(~m, state));
      store(waiting + i, p.zero_output_for_mask ? zero() : keep(~m, sum));
    });
  }

  // dh of the step before: what came back through the recurrent weights is in dh already.
  void leave(const Units& u) const {
    each_vector<L>(u, [&](int64_t i) {
      const int64_t n = size() - i;
      const Vec through = L::get(dh + i, n);
      L::put(dh + i, n,
             dropout ? fma(through, L::get(dropout + i, n), load(around + i))
                     : through + load(around + i));
    });
  }
};

// enter(step, units) and then leave(step, units) of steps [first, end), counted from the last one
// of the sequence: what leaves a step needs all that has entered it, and what leaves for a unit is
// all that enters the step before it there, so that one turn has both.
template <class L, class Enter, class Leave>
CONVNET_INLINE void each_step_back(Turns& turns, const RnnParams& p, int64_t first, int64_t end,
                                   Enter enter, Leave leave) {
  for (int64_t n = first; n <= end; ++n)
    next_turn<L>(turns, p, [&](const Units& u) CONVNET_INLINED {
      if (n > first) leave(p.T - n, u);
      if (n < end) enter(p.T - 1 - n, u);
    });
}

}  // namespace convnet::CONVNET_ISA
