// Recurrent layers, all steps in one launch: a block takes some sequences from the first step to
// the last, so that nothing but the threads of a block has to meet. A step is a product of the
// states with the recurrent weights, a thread for each result, and then a pass over the units.
//
// What a block keeps from step to step lies in planes of [sequences][units], and so do the
// product's operands and results. How masks and dropout go from step to step is told in
// cpu/kernels/rnn_state.h.
#pragma once

#include "cuda/kernels/rnn_team.h"

namespace convnet::cuda {

constexpr int64_t kMostAlone = 264;  // sequences that have a block each: two for each unit of a GPU
constexpr int kTogether = 4;         // sequences of a block otherwise

CONVNET_INLINE int64_t time_of(const RnnParams& p, int64_t step) {
  return p.go_backwards ? p.T - 1 - step : step;
}

struct RnnForward {
  RnnParams p;
  int64_t sequences;
  RecurrentWeights recurrent;
  const float *xw, *state_bias, *initial[2], *mask, *dropout;  // null: none
  float *y, *last[2];
  float *states[2], *kept, *reset, *dropped;  // rows for the gradient
  float* room;

  // Rows are there where there will be a gradient.
  __device__ __forceinline__ bool keeps() const { return p.rows == p.T; }
  __device__ __forceinline__ float* row(float* rows, int64_t sequence, int64_t step) const {
    return rows + (sequence * p.T + step) * p.row;
  }
  __device__ __forceinline__ float& state(int k, int64_t sequence, int64_t step) const {
    return states[k][(sequence * (p.T + 1) + step) * p.row];
  }
};

// Of a result of the product, beside the product.
template <int B>
struct Given {
  float xw[B], bias;
};

// `Cell` has gates, states, parts (of the product that its units read), kept (parts for the
// gradient), tells whether a gate resets the state for the last one, and what a unit does.
template <class Cell, class Weights, int B, class Gates>
__global__ void __launch_bounds__(Weights::kUnits ? Cell::gates * Weights::kUnits : kStreaming)
    rnn_forward(RnnForward a, Functions<Gates> f) {
  constexpr int G = Cell::gates, kOwn = 1 + Cell::parts, kPlanes = kOwn + Cell::states;
  const RnnParams& p = a.p;
  const bool resets_after = Cell::resets && p.reset_after;
  const bool resets_before = Cell::resets && !p.reset_after;  // its product is a second one
  const Team<Weights, B, G> team(p, a.recurrent, a.sequences,
                                 planes_of_block<Weights, B, kPlanes>(a.room, p.H));
  const int64_t H = p.H;

  // What the product of a step takes.
  const auto enter = [&](int b, int unit, int64_t sequence, int64_t step) {
    float h = team.at(kOwn, b, unit);
    if (a.dropout) {
      h *= a.dropout[sequence * H + unit];
      if (a.keeps()) a.row(a.dropped, sequence, step)[unit] = h;
    }
    team.at(0, b, unit) = h;
  };
  const auto multiply = [&](int64_t step, int begin, int end) {
    const auto get = [&](int gate, int unit) {
      Given<B> given{};
      CONVNET_REGISTERS(b, B) {
        const int64_t row = (team.first + b) * p.T + time_of(p, step);
        if (team.first + b < a.sequences) given.xw[b] = a.xw[(row * G + gate) * H + unit];
      }
      if (a.state_bias) given.bias = a.state_bias[gate * H + unit];
      return given;
    };
    const auto put = [&](int gate, int unit, const float (&sum)[B], const Given<B>& given) {
      CONVNET_REGISTERS(b, B) {
        const float product = sum[b] + given.bias;
        const bool apart = resets_after && gate == 2;
        if (apart) team.at(1 + G, b, unit) = given.xw[b];
        team.at(1 + gate, b, unit) = apart ? product : product + given.xw[b];
      }
    };
    team.each_product(begin, end, false, get, put);
    __syncthreads();
  };
  const auto emit = [&](int64_t sequence, int64_t step, int unit, bool taken, float h) {
    float* y = a.y + (p.return_sequences ? sequence * p.T + step : sequence) * H + unit;
    if (taken) {
      if (p.return_sequences || a.mask || step == p.T - 1) *y = h;
    } else if (step == 0 || p.zero_output_for_mask) {
      *y = 0;
    } else if (p.return_sequences) {
      *y = y[-H];
    }
  };

  team.each_unit([&](int b, int unit, int64_t sequence) {
    for (int k = 0; k < Cell::states; ++k) {
      const float state = a.initial[k] ? a.initial[k][sequence * H + unit] : 0.0f;
      team.at(kOwn + k, b, unit) = state;
      if (a.keeps()) (&a.state(k, sequence, 0))[unit] = state;
    }
    enter(b, unit, sequence, 0);
  });
  __syncthreads();
  for (int64_t step = 0; step < p.T; ++step) {
    CONVNET_UNROLLED(1)
    for (int begin = 0, end = resets_before ? G - 1 : G; begin < G; begin = end, end = G) {
      multiply(step, begin, end);
      if (end == G) break;
      team.each_unit([&](int b, int unit, int64_t sequence) {
        float& h = team.at(0, b, unit);
        h *= f.gate(team.at(2, b, unit));
        if (a.keeps()) a.row(a.reset, sequence, step)[unit] = h;
      });
      __syncthreads();
    }
    team.each_unit([&](int b, int unit, int64_t sequence) {
      float z[Cell::parts], state[Cell::states], next[Cell::states];
      float kept[Cell::kept ? Cell::kept : 1];
      for (int k = 0; k < Cell::parts; ++k) z[k] = team.at(1 + k, b, unit);
      for (int k = 0; k < Cell::states; ++k) state[k] = team.at(kOwn + k, b, unit);
      Cell::step(f, p, z, state, next, kept);
      const bool taken = !a.mask || a.mask[sequence * p.T + time_of(p, step)] != 0;
      for (int k = 0; k < Cell::states; ++k) {
        const float now = taken ? next[k] : state[k];
        team.at(kOwn + k, b, unit) = now;
        if (a.keeps()) (&a.state(k, sequence, step + 1))[unit] = now;
        if (step == p.T - 1) a.last[k][sequence * H + unit] = now;
      }
      if (a.keeps())
        for (int k = 0; k < Cell::kept; ++k)
          a.kept[((sequence * p.T + step) * Cell::kept + k) * p.row + unit] = kept[k];
      emit(sequence, step, unit, taken, team.at(kOwn, b, unit));
      if (step + 1 < p.T) enter(b, unit, sequence, step + 1);
    });
    __syncthreads();
  }
}

struct RnnBackward {
  RnnParams p;
  int64_t sequences;
  RecurrentWeights recurrent;
  const float *dy, *last[2], *mask, *dropout;  // null: none
  const float *states, *kept, *dropped;        // rows that the layer kept
  float *dz, *inner_dz, *initial[2];
  float* room;
};

// What a cell's gradient reads of a unit in a step.
template <int kept>
struct Past {
  float before, after;  // the state whose rows the layer kept
  float gates[kept ? kept : 1];
};

template <class Cell, class Weights, int B, class Gates>
__global__ void __launch_bounds__(Weights::kUnits ? Cell::gates * Weights::kUnits : kStreaming)
    rnn_backward(RnnBackward a, Functions<Gates> f) {
  // Planes: what the product takes and gives for each gate; gradients of states; what goes around
  // the step; gradients that wait.
  constexpr int G = Cell::gates, kOwn = 2 * G, kAround = kOwn + Cell::states,
                kWaiting = kAround + 1, kPlanes = kWaiting + 1;
  const RnnParams& p = a.p;
  const Team<Weights, B, G> team(p, a.recurrent, a.sequences,
                                 planes_of_block<Weights, B, kPlanes>(a.room, p.H));
  const int64_t H = p.H;
  const bool resets_before = Cell::resets && !p.reset_after;

  const auto multiply = [&](int begin, int end) {
    const auto put = [&](int gate, int unit, const float (&sum)[B], int) {
      CONVNET_REGISTERS(b, B) team.at(G + gate, b, unit) = sum[b];
    };
    team.each_product(begin, end, true, [](int, int) { return 0; }, put);
    __syncthreads();
  };
  const auto past = [&](int64_t sequence, int64_t step, int unit) {
    Past<Cell::kept> result;
    const float* state = a.states + (sequence * (p.T + 1) + step) * p.row + unit;
    result.before = state[0], result.after = state[p.row];
    for (int k = 0; k < Cell::kept; ++k)
      result.gates[k] = a.kept[((sequence * p.T + step) * Cell::kept + k) * p.row + unit];
    return result;
  };

  team.each_unit([&](int b, int unit, int64_t sequence) {
    for (int k = 0; k < Cell::states; ++k)
      team.at(kOwn + k, b, unit) = a.last[k] ? a.last[k][sequence * H + unit] : 0.0f;
    team.at(kWaiting, b, unit) = 0;
  });
  for (int64_t step = p.T - 1; step >= 0; --step) {
    const int64_t time = time_of(p, step);
    team.each_unit([&](int b, int unit, int64_t sequence) {
      const bool given = a.dy && (p.return_sequences || step == p.T - 1);
      const int64_t row = p.return_sequences ? sequence * p.T + step : sequence;
      const float dy = given ? a.dy[row * H + unit] : 0.0f;
      const bool taken = !a.mask || a.mask[sequence * p.T + time] != 0;
      const float d = team.at(kOwn, b, unit), sum = team.at(kWaiting, b, unit) + dy;
      const float here = taken ? d + sum : 0.0f;
      float around = taken ? 0.0f : d;
      team.at(kWaiting, b, unit) = taken || p.zero_output_for_mask ? 0.0f : sum;
      float dz[G], inner = 0;
      Cell::back(f, p, here, taken, past(sequence, step, unit),
                 team.at(kOwn + Cell::states - 1, b, unit), around, dz, inner);
      team.at(kAround, b, unit) = around;
      for (int gate = 0; gate < G; ++gate) {
        a.dz[((sequence * p.T + time) * G + gate) * H + unit] = dz[gate];
        team.at(gate, b, unit) = dz[gate];
      }
      if (a.inner_dz) {
        a.inner_dz[(sequence * p.T + time) * p.row + unit] = inner;
        team.at(G - 1, b, unit) = inner;
      }
    });
    __syncthreads();
    CONVNET_UNROLLED(1)
    for (int begin = resets_before ? G - 1 : 0, end = G;; end = begin, begin = 0) {
      multiply(begin, end);
      if (begin == 0) break;
      if constexpr (Cell::resets) {
        team.each_unit([&](int b, int unit, int64_t sequence) {
          const Past<Cell::kept> old = past(sequence, step, unit);
          const float before =
              a.dropped ? a.dropped[(sequence * p.T + step) * p.row + unit] : old.before;
          const float reset = old.gates[1], d = team.at(2 * G - 1, b, unit);
          const float dz = d * before * f.gate_slope(reset);
          a.dz[((sequence * p.T + time) * G + 1) * H + unit] = dz;
          team.at(1, b, unit) = dz;
          team.at(2 * G - 1, b, unit) = d * reset;
        });
      }
      __syncthreads();
    }
    team.each_unit([&](int b, int unit, int64_t sequence) {
      float through = team.at(G, b, unit);
      for (int gate = 1; gate < G; ++gate) through += team.at(G + gate, b, unit);
      const float around = team.at(kAround, b, unit);
      team.at(kOwn, b, unit) =
          a.dropout ? fmaf(through, a.dropout[sequence * H + unit], around) : through + around;
    });
  }
  team.each_unit([&](int b, int unit, int64_t sequence) {
    for (int k = 0; k < Cell::states; ++k)
      a.initial[k][sequence * H + unit] = team.at(kOwn + k, b, unit);
  });
}

// [H][G][H] -> [G][H][H]: weights as the gradient's products read them in rows.
void transpose_recurrent(Stream stream, const float* from, float* to, int64_t H, int64_t G);

constexpr int64_t kMostHeld = 64;  // units whose weights are held in registers

inline bool holds(const RnnParams& p) {
  return p.H <= kMostHeld && p.activation == GateFn::tanh &&
         p.recurrent_activation == GateFn::sigmoid;
}

template <class Cell, class Weights, int B, class Gates>
void launch_team(Stream stream, const RnnForward& a, Gates gates) {
  launch(rnn_forward<Cell, Weights, B, Gates>, static_cast<unsigned>(div_up(a.sequences, B)),
         Weights::kUnits ? Cell::gates * Weights::kUnits : kStreaming, stream, a,
         Functions<Gates>{gates});
}
template <class Cell, class Weights, int B, class Gates>
void launch_team(Stream stream, const RnnBackward& a, Gates gates) {
  launch(rnn_backward<Cell, Weights, B, Gates>, static_cast<unsigned>(div_up(a.sequences, B)),
         Weights::kUnits ? Cell::gates * Weights::kUnits : kStreaming, stream, a,
         Functions<Gates>{gates});
}

template <class Cell, class Weights, class Arguments>
void launch_held(Stream stream, const Arguments& a) {
  if (a.sequences <= kMostAlone) {
    launch_team<Cell, Weights, 1>(stream, a, UsualGates{});
  } else {
    launch_team<Cell, Weights, kTogether>(stream, a, UsualGates{});
  }
}

template <class Cell, class Arguments>
void launch_all_steps(Stream stream, const Arguments& a) {
  if constexpr (Cell::gates > 1)  // the simple layer is rare, and has no kernel for few units
    if (holds(a.p) && a.p.H <= 32) return launch_held<Cell, Held<32>>(stream, a);
  if (holds(a.p)) return launch_held<Cell, Held<64>>(stream, a);
  launch_team<Cell, Streamed, kTogether>(
      stream, a, MostlyUsualGates{{a.p.activation, a.p.recurrent_activation}});
}

// Scratch: planes, and behind them for the gradient the weights transposed.
inline int64_t floats_of_planes(const RnnParams& p, int64_t samples, int planes) {
  return holds(p) ? 0 : div_up(samples * p.outer, kTogether) * kTogether * planes * p.H;
}
template <class Cell>
int64_t floats_forward(const RnnParams& p, int64_t samples) {
  return floats_of_planes(p, samples, 1 + Cell::parts + Cell::states);
}
template <class Cell>
int64_t floats_backward(const RnnParams& p, int64_t samples) {
  return floats_of_planes(p, samples, 2 * Cell::gates + Cell::states + 2);
}
template <class Cell>
size_t rnn_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const RnnParams*>(params);
  return static_cast<size_t>(floats_forward<Cell>(p, samples)) * sizeof(float);
}
template <class Cell>
size_t rnn_backward_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const RnnParams*>(params);
  const int64_t weights = holds(p) ? 0 : Cell::gates * p.H * p.H;
  return static_cast<size_t>(floats_backward<Cell>(p, samples) + weights) * sizeof(float);
}

// The forward call; operands as in ops/recurrent.h.
template <class Cell>
RnnForward forward_of(const Call& c) {
  RnnForward a{};
  a.p = c.as<RnnParams>();
  a.sequences = c.samples * a.p.outer;
  a.recurrent = {c.f32(2), a.p.H, 1, Cell::gates * a.p.H};
  a.xw = c.f32(a.p.xw);
  for (int k = 0; k < Cell::states; ++k) {
    a.initial[k] = c.f32(4 + k);
    a.last[k] = c.f32(a.p.out + 1 + k);
    a.states[k] = c.f32(a.p.out + 1 + Cell::states + k);
  }
  a.mask = c.f32(4 + Cell::states);
  a.dropout = c.f32(6 + Cell::states);
  a.y = c.f32(a.p.out);
  a.room = static_cast<float*>(c.scratch);
  return a;
}

// The gradient's call: gradients of y and of the last states, recurrent weights, mask, dropout.
template <class Cell>
RnnBackward backward_of(const Call& c) {
  RnnBackward a{};
  a.p = c.as<RnnParams>();
  a.sequences = c.samples * a.p.outer;
  a.dy = c.f32(0);
  for (int k = 0; k < Cell::states; ++k) {
    a.last[k] = c.f32(1 + k);
    a.initial[k] = c.f32(a.p.out + 1 + k);
  }
  a.mask = c.f32(2 + Cell::states);
  a.dropout = c.f32(3 + Cell::states);
  a.dz = c.f32(a.p.out);
  a.room = static_cast<float*>(c.scratch);
  const int64_t H = a.p.H;
  a.recurrent = {c.f32(1 + Cell::states), H, Cell::gates * H, 1};
  if (holds(a.p)) return a;
  float* transposed = a.room + floats_backward<Cell>(a.p, c.samples);
  transpose_recurrent(c.stream, a.recurrent.data, transposed, H, Cell::gates);
  a.recurrent = {transposed, H * H, 1, H};
  return a;
}

}  // namespace convnet::cuda
