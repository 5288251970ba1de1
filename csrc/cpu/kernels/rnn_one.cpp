// Recurrent layers of one sample, units in lanes. For inference: nothing is kept for a gradient.
#include "cpu/kernels/one.h"
#include "cpu/kernels/rnn_gates.h"
#include "cpu/kernels/row_times.h"

namespace convnet::CONVNET_ISA {

namespace {

// Buffers of the units are read and written in whole vectors.
CONVNET_INLINE int64_t padded(int64_t n) { return div_up(n, 16) * 16; }

void copy(const float* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += kWidth)
    store_first(to + i, least(n - i, kWidth),
                from ? load_first(from + i, least(n - i, kWidth)) : zero());
}

// Goes through the steps of one sequence: advance(step) where the mask takes part, and the output.
template <class Advance>
CONVNET_INLINE void each_step(const RnnParams& p, const float* mask, const float* h, float* y,
                              Advance advance) {
  for (int64_t step = 0; step < p.T; ++step) {
    float* out = p.return_sequences ? y + step * p.H : y;
    if (!mask || mask[p.time(step)] != 0.0f) {
      advance(p.time(step));
      if (p.return_sequences || mask || step == p.T - 1) copy(h, out, p.H);
    } else if (step == 0 || p.zero_output_for_mask) {
      copy(nullptr, out, p.H);
    } else if (p.return_sequences) {
      copy(out - p.H, out, p.H);
    }
  }
}

// What the sequences of a layer with G gates and its first state at operand 4 share.
struct Layer {
  const KernelArgs& a;
  const RnnParams& p;
  int gates, mask;

  const float* row(int i, int64_t n) const { return a.f32(i) ? a.f32(i) + n : nullptr; }
  const float* state(int i, int64_t o) const { return row(4 + i, o * p.H); }
  const float* mask_of(int64_t o) const { return row(mask, o * p.T); }
  const float* xw(int64_t o, int64_t t) const { return a.f32(p.xw) + (o * p.T + t) * gates * p.H; }
  float* y(int64_t o) const { return a.f32(p.out) + o * (p.return_sequences ? p.T : 1) * p.H; }
  float* last(int i, int64_t o) const { return a.f32(p.out + 1 + i) + o * p.H; }
};

}  // namespace

// A unit is a row.
void rnn_project_of_one(const KernelArgs& a) {
  const auto& p = a.as<RnnProjectParams>();
  const float *x = a.f32(0) + a.begin * p.K, *bias = a.f32(2);
  float* y = a.f32(p.packed + 1) + a.begin * p.M;
  const Runs runs{1, 1, p.K, 0, 0, p.M};
  each_block(p.M, [&](int64_t at, int64_t outputs) {
    row_block(
        runs,
        {x, a.f32(1) + at, bias ? bias + at : nullptr, y + at, p.K, p.M, a.end - a.begin, false},
        outputs);
  });
}

void lstm_of_one(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const Layer layer{a, p, 4, 6};
  const int64_t H = p.H;
  float *z = static_cast<float*>(a.scratch), *h = z + padded(4 * H) + 16, *c = h + padded(H);
  for (int64_t o = a.begin; o < a.end; ++o) {
    copy(layer.state(0, o), h, H);
    copy(layer.state(1, o), c, H);
    with_gates(p, [&](const auto& gates) {
      each_step(p, layer.mask_of(o), h, layer.y(o), [&](int64_t t) {
        row_times({h, a.f32(2), layer.xw(o, t), z, H, 4 * H}, 0, 4 * H);
        for (int64_t i = 0; i < H; i += kWidth) {
          const Vec in = gates.gate(load(z + i)), forget = gates.gate(load(z + H + i));
          const Vec g = gates.inner(load(z + 2 * H + i)), out = gates.gate(load(z + 3 * H + i));
          const Vec next = fma(forget, load(c + i), in * g);
          store(c + i, next);
          store(h + i, out * gates.inner(next));
        }
      });
    });
    copy(h, layer.last(0, o), H);
    copy(c, layer.last(1, o), H);
  }
}

void gru_of_one(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const Layer layer{a, p, 3, 5};
  const int64_t H = p.H;
  const float* U = a.f32(2);
  float *z = static_cast<float*>(a.scratch), *h = z + padded(3 * H) + 16, *reset = h + padded(H);
  for (int64_t o = a.begin; o < a.end; ++o) {
    copy(layer.state(0, o), h, H);
    with_gates(p, [&](const auto& gates) {
      const auto after = [&](int64_t t) {
        const float* xw = layer.xw(o, t);
        row_times({h, U, a.f32(3) ? a.f32(3) + 3 * H : nullptr, z, H, 3 * H}, 0, 3 * H);
        for (int64_t i = 0; i < H; i += kWidth) {
          const int64_t n = least(H - i, kWidth);
          const Vec update = gates.gate(load(z + i) + load_first(xw + i, n));
          const Vec r = gates.gate(load(z + H + i) + load_first(xw + H + i, n));
          const Vec candidate =
              gates.inner(fma(r, load(z + 2 * H + i), load_first(xw + 2 * H + i, n)));
          store(h + i, fma(update, load(h + i) - candidate, candidate));
        }
      };
      const auto before = [&](int64_t t) {
        const float* xw = layer.xw(o, t);
        row_times({h, U, xw, z, H, 3 * H}, 0, 2 * H);
        for (int64_t i = 0; i < H; i += kWidth)
          store(reset + i, gates.gate(load(z + H + i)) * load(h + i));
        row_times({reset, U, xw, z, H, 3 * H}, 2 * H, 3 * H);
        for (int64_t i = 0; i < H; i += kWidth) {
          const Vec candidate = gates.inner(load(z + 2 * H + i));
          store(h + i, fma(gates.gate(load(z + i)), load(h + i) - candidate, candidate));
        }
      };
      if (p.reset_after)
        each_step(p, layer.mask_of(o), h, layer.y(o), after);
      else
        each_step(p, layer.mask_of(o), h, layer.y(o), before);
    });
    copy(h, layer.last(0, o), H);
  }
}

void simple_rnn_of_one(const KernelArgs& a) {
  const auto& p = a.as<RnnParams>();
  const Layer layer{a, p, 1, 5};
  const int64_t H = p.H;
  float *z = static_cast<float*>(a.scratch), *h = z + padded(H) + 16;
  for (int64_t o = a.begin; o < a.end; ++o) {
    copy(layer.state(0, o), h, H);
    with_gates(p, [&](const auto& gates) {
      each_step(p, layer.mask_of(o), h, layer.y(o), [&](int64_t t) {
        row_times({h, a.f32(2), layer.xw(o, t), z, H, H}, 0, H);
        for (int64_t i = 0; i < H; i += kWidth) store(h + i, gates.inner(load(z + i)));
      });
    });
    copy(h, layer.last(0, o), H);
  }
}

}  // namespace convnet::CONVNET_ISA
