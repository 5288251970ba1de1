// Gradients of the weights of recurrent layers: dW = sum over steps and samples of x dz, dU of h
// dz, db of dz. Columns of weights are in lanes: dz of a few steps is transposed into a ring of
// rows, one a sample, and each tile of the results takes in the whole ring while it is in the
// first-level cache.
#include "cpu/kernels/index.h"
#include "cpu/kernels/one.h"
#include "cpu/kernels/rnn_ahead.h"
#include "cpu/simd/transpose.h"
#include "ops/rnn.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kTileRows = 6;
constexpr int kTileVectors = kRegisters >= 32 ? 4 : 2;

alignas(64) const float kOnes[kLanes] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

// Some columns of dz, transposed: [panel][row][vectors of the panel].
struct Ring {
  float* rows;
  int64_t columns, count;  // count: rows filled

  int64_t vectors() const { return div_up(columns, kWidth); }
  int64_t panels() const { return div_up(vectors(), kTileVectors); }
  int64_t begin(int64_t panel) const { return cut(vectors(), panels(), panel); }
};

// Appends the live samples of one step; dz [columns][16].
inline void append(Ring& ring, const float* dz, int64_t live) {
  for (int64_t panel = 0; panel < ring.panels(); ++panel) {
    const int64_t begin = ring.begin(panel), width = ring.begin(panel + 1) - begin;
    for (int64_t v = 0; v < width; ++v) {
      const int64_t column = (begin + v) * kWidth;
      float* to = ring.rows + begin * kWidth * kRnnRing + (ring.count * width + v) * kWidth;
      for (int64_t lane = 0; lane < live; lane += kWidth) {
        Vec square[kWidth];
        for (int i = 0; i < kWidth; ++i)
          square[i] = column + i < ring.columns ? load(dz + (column + i) * kLanes + lane) : zero();
        transpose(square);
        const int64_t rows = least(kWidth, live - lane);
        for (int64_t i = 0; i < rows; ++i) store(to + (lane + i) * width * kWidth, square[i]);
      }
    }
  }
  ring.count += live;
}

// Rows of x or h that go with the rows of a ring: [step][row][16].
struct Source {
  const float* x;
  int64_t pitch;  // from step to step
};

// Where results go: rows of `pitch` columns; `fresh`: nothing is there yet.
struct Target {
  float* out;
  int64_t pitch;
  bool fresh;
};

CONVNET_INLINE Vec load_some(const float* p, int64_t n) {
  return n >= kWidth ? load(p) : load_part<false>(p, n);
}
CONVNET_INLINE void store_some(float* p, int64_t n, Vec x) {
  if (n >= kWidth) {
    store(p, x);
  } else {
    store_part<false>(p, n, x);
  }
}

// R rows of results x V vectors of columns.
template <int R, int V>
__attribute__((noinline)) void tile(const Ring& ring, int64_t panel, int64_t live, const Source& s,
                                    const Target& t, Ahead& ahead) {
  const int64_t first = ring.begin(panel) * kWidth, last = ring.columns - first - (V - 1) * kWidth;
  float* out = t.out + first;
  Ahead own = ahead;  // in registers
  Vec acc[R][V];
  CONVNET_EACH(r, R) {
    CONVNET_EACH(v, V) {
      const float* from = out + r * t.pitch + v * kWidth;
      acc[r][v] = t.fresh ? zero() : v < V - 1 ? load(from) : load_some(from, last);
    }
  }
  const float *x = s.x, *g = ring.rows + first * kRnnRing;
  for (int64_t done = 0; done < ring.count; done += live, x += s.pitch) {
    for (int64_t n = 0; n < live; ++n, g += V * kWidth) {
      own.line();
      Vec dz[V];
      CONVNET_EACH(v, V) dz[v] = load(g + v * kWidth);
      CONVNET_EACH(r, R) {
        const Vec weight = set1(x[r * kLanes + n]);
        CONVNET_EACH(v, V) acc[r][v] = fma(weight, dz[v], acc[r][v]);
      }
    }
  }
  CONVNET_EACH(r, R) {
    CONVNET_EACH(v, V) {
      float* to = out + r * t.pitch + v * kWidth;
      if (v < V - 1)
        store(to, acc[r][v]);
      else
        store_some(to, last, acc[r][v]);
    }
  }
  ahead = own;
}

template <int R, int V>
CONVNET_INLINE void tile_of(int64_t rows, int64_t vectors, const Ring& ring, int64_t panel,
                            int64_t live, const Source& s, const Target& t, Ahead& ahead) {
  if constexpr (R > 1)
    if (rows < R) return tile_of<R - 1, V>(rows, vectors, ring, panel, live, s, t, ahead);
  if constexpr (V > 1)
    if (vectors < V) return tile_of<R, V - 1>(rows, vectors, ring, panel, live, s, t, ahead);
  tile<R, V>(ring, panel, live, s, t, ahead);
}

// Adds rows [begin, end) of a source times a ring to a target.
void accumulate(const Ring& ring, int64_t live, const Source& s, const Target& t, int64_t begin,
                int64_t end, Ahead& ahead) {
  const int64_t rows = most(end - begin, 0), groups = div_up(rows, kTileRows);
  for (int64_t panel = 0; panel < ring.panels(); ++panel) {
    const int64_t vectors = ring.begin(panel + 1) - ring.begin(panel);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t row = begin + cut(rows, groups, group),
                    take = begin + cut(rows, groups, group + 1) - row;
      tile_of<kTileRows, kTileVectors>(take, vectors, ring, panel, live,
                                       {s.x + row * kLanes, s.pitch},
                                       {t.out + row * t.pitch, t.pitch, t.fresh}, ahead);
    }
  }
}

// One pass over a block of steps.
struct Block {
  const RnnWeightParams& p;
  Ring gates, candidate, after;  // dz before `split`, from it on, and inner_dz
  int64_t live, begin, end;      // samples, units

  void results(const Source& x, const Source& h, const Source& inner, float* dw, float* du,
               float* db, bool fresh, Ahead ahead) const {
    const int64_t w_end = least(end, p.F), u_begin = most(begin - p.F, 0),
                  u_end = least(end - p.F, p.H), M = p.M;
    const Ring& of_state = after.columns ? after : candidate;
    const auto add = [&](const Ring& ring, const Source& source, float* out, int64_t first,
                         int64_t last) {
      accumulate(ring, live, source, {out, M, fresh}, first, last, ahead);
    };
    add(gates, x, dw, begin, w_end);
    add(candidate, x, dw + p.split, begin, w_end);
    add(gates, h, du, u_begin, u_end);
    add(of_state, inner, du + p.split, u_begin, u_end);
    if (end <= p.F + p.H) return;
    for (int64_t row = 0; row < p.biases; ++row) {
      add(gates, {kOnes, 0}, db + row * M, 0, 1);
      add(row ? of_state : candidate, {kOnes, 0}, db + row * M + p.split, 0, 1);
    }
  }
};

}  // namespace

// Operands: dz, inner_dz, x, h, inner -> dW [F][M], dU [H][M], db [biases][M]. A unit is a row of
// dW or of dU; the last is db. Columns from `split` on are the candidate of a GRU: their dU takes
// `inner_dz` [T][M - split][16] instead of dz (reset after the product), or `inner` [T][H][16]
// instead of h (reset before it).
void rnn_backward_weight(const KernelArgs& a) {
  if (a.lanes == 1) return rnn_backward_weight_of_one(a);
  const auto& p = a.as<RnnWeightParams>();
  const int64_t live = a.live(a.shard()), inner = p.M - p.split, steps = most(kRnnRing / live, 1);
  float* scratch = static_cast<float*>(a.scratch);
  const auto ring = [&](int64_t columns) {
    const Ring made{scratch, columns, 0};
    scratch += div_up(columns, 16) * 16 * kRnnRing;
    return made;
  };
  Block block{p, ring(p.split), ring(inner), ring(a.f32(1) ? inner : 0), live, a.begin, a.end};
  for (int64_t o = 0; o < p.outer; ++o)
    for (int64_t first = 0; first < p.T; first += steps) {
      block.gates.count = block.candidate.count = block.after.count = 0;
      for (int64_t step = first; step < least(first + steps, p.T); ++step) {
        const int64_t row = o * p.T + p.time(step);
        append(block.gates, a.f32(0) + row * p.M * kLanes, live);
        append(block.candidate, a.f32(0) + (row * p.M + p.split) * kLanes, live);
        if (a.f32(1)) append(block.after, a.f32(1) + row * inner * kLanes, live);
      }
      const int64_t size = p.H * kLanes, x_pitch = p.F * kLanes;
      const Source x{a.f32(2) + (o * p.T + p.time(first)) * x_pitch,
                     p.go_backwards ? -x_pitch : x_pitch};
      const Source h{a.f32(3) + (o * p.h_rows + first) * size, size};
      const Source reset{a.f32(4) ? a.f32(4) + (o * p.T + first) * size : h.x, size};
      // The rows of the next block; of the last one its own, which are there already.
      const int64_t next = first + steps < p.T ? first + steps : first,
                    count = least(steps, p.T - next),
                    at = o * p.T + least(p.time(next), p.time(next + count - 1));
      Ahead ahead;
      ahead.add(a.f32(0) + at * p.M * kLanes, count * p.M * kLanes);
      ahead.add(a.f32(2) + at * x_pitch, count * x_pitch);
      ahead.add(a.f32(3) + (o * p.h_rows + next) * size, count * size);
      block.results(x, h, reset, a.f32(5), a.f32(6), a.f32(7),
                    !a.accumulate && o == 0 && first == 0, ahead);
    }
}

}  // namespace convnet::CONVNET_ISA
