// Dense layers with the samples in lanes. x [rows][K][16], w [K][M] -> y [rows][M][16].
// A column is one vector of samples of one row. Register tiles are `outputs x columns`
// accumulators: weights are broadcast from where they lie, and each is used for all columns of the
// tile, taken from several shards; the fewer columns there are, the more outputs. K is blocked so
// that the inputs of a block stay in the first-level cache while the tile moves over the outputs.
#include "ops/dense.h"

#include "cpu/kernels/activation.h"
#include "cpu/kernels/index.h"
#include "cpu/kernels/one.h"
#include "cpu/kernels/rows.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kColumns = kRegisters >= 32 ? 4 : 3;
constexpr int kAccumulators = kRegisters >= 32 ? 24 : 12;
constexpr int64_t kBlockK = 384;  // of the sum, beside one column
constexpr int64_t kAhead = 32;    // rows of weights

struct Column {
  const float* in;
  float* out;
};

// Rows of large weights lie in pages of their own, where the processor foresees nothing. Forward,
// those of this tile are asked for some rows ahead; backward, those of the next tile, one of its
// rows at a time.
template <int O>
CONVNET_INLINE void fetch_ahead(const float* w, int64_t wk, int64_t wo, int64_t k) {
  if (wo != 1) return prefetch(w + (O + k % 8) * wo);
  const float* last = w + kAhead * wk + O - 1;
  prefetch(last);
  if (O > kLineFloats) prefetch(last - kLineFloats);
}

// out[o0 .. o0+O) += w[k0 .. k1)[o] * in[k]; `wk`, `wo`: strides of w over the summed and the
// output index.
template <int O, int C>
CONVNET_INLINE void tile(const Column* columns, const float* w, int64_t wk, int64_t wo, int64_t k0,
                         int64_t k1, int64_t o0, const float* bias) {
  Vec acc[O][C];
  CONVNET_EACH(o, O)
    CONVNET_EACH(c, C)
      acc[o][c] = k0     ? load(columns[c].out + (o0 + o) * kLanes)
                  : bias ? set1(bias[o0 + o])
                         : zero();
  const float* in[C];
  CONVNET_EACH(c, C) in[c] = columns[c].in;
  const float* weight = w + o0 * wo;
  for (int64_t k = k0; k < k1; ++k) {
    fetch_ahead<O>(weight + k * wk, wk, wo, k);
    Vec x[C];
    CONVNET_EACH(c, C) x[c] = load(in[c] + k * kLanes);
    CONVNET_EACH(o, O) {
      const Vec s = set1(weight[k * wk + o * wo]);
      CONVNET_EACH(c, C) acc[o][c] = fma(x[c], s, acc[o][c]);
    }
  }
  CONVNET_EACH(o, O)
    CONVNET_EACH(c, C) store(columns[c].out + (o0 + o) * kLanes, acc[o][c]);
}

struct Problem {
  const float *w, *bias;
  int64_t wk, wo, K, begin, end;  // outputs [begin, end)
};

// Outputs from `o` on in tiles of O and, for the rest, of half as many.
template <int O, int C>
CONVNET_INLINE void tiles(const Problem& p, const Column* columns, int64_t k, int64_t end,
                          int64_t o) {
  for (; o + O <= p.end; o += O) tile<O, C>(columns, p.w, p.wk, p.wo, k, end, o, p.bias);
  if constexpr (O > 1) tiles<O / 2, C>(p, columns, k, end, o);
}

template <int C>
__attribute__((noinline)) void columns_of(const Problem& p, const Column* columns) {
  constexpr int64_t kBlock = kBlockK / C;
  for (int64_t k = 0; k == 0 || k < p.K; k += kBlock) {
    const int64_t end = least(k + kBlock, p.K);
    // Backward, outputs are rows of the weights: as many as the ways of a cache at most, for rows
    // may share their sets.
    if (p.wo == 1)
      tiles<kAccumulators / C, C>(p, columns, k, end, p.begin);
    else
      tiles<kAccumulators / kColumns, C>(p, columns, k, end, p.begin);
  }
}

// Walks the columns of all shards at hand in groups of at most kColumns.
template <class Store>
void multiply(const KernelArgs& a, const Problem& p, int x, int y, int64_t rows, int64_t in_size,
              int64_t out_size, Store done) {
  Column columns[kColumns];
  const int64_t total = a.shard_count * rows * kVectors;
  for (int64_t i = 0; i < total;) {
    int n = 0;
    // Groups of equal size: 5 columns are 3 + 2, not 4 + 1.
    const int64_t left = total - i, groups = div_up(left, kColumns), take = div_up(left, groups);
    for (; n < take; ++n, ++i) {
      const int64_t v = i % kVectors, row = i / kVectors % rows,
                    shard = a.shards[i / kVectors / rows];
      columns[n] = {a.f32(x) + shard * a.stride[x] + row * in_size * kLanes + v * kWidth,
                    a.f32(y) + shard * a.stride[y] + row * out_size * kLanes + v * kWidth};
    }
    switch (n) {
      case 1:
        columns_of<1>(p, columns);
        break;
      case 2:
        columns_of<2>(p, columns);
        break;
      case 3:
        columns_of<3>(p, columns);
        break;
      default:
        columns_of<kColumns>(p, columns);
    }
    for (int c = 0; c < n; ++c) done(columns[c].out);
  }
}

}  // namespace

void dense(const KernelArgs& a) {
  if (a.lanes == 1) return dense_of_one(a);
  const auto& p = a.as<DenseParams>();
  const Problem problem{
      a.f32(1), a.f32(2), p.M, 1, p.K, a.begin * kDenseUnit, least(a.end * kDenseUnit, p.M)};
  multiply(a, problem, 0, 3, p.rows, p.K, p.M, [&](float* y) {
    if (p.activation == Activation::linear) return;
    for (int64_t o = problem.begin; o < problem.end; ++o)
      activate_in_place(p.activation, y + o * kLanes, 1);
  });
}

void dense_backward_input(const KernelArgs& a) {
  if (a.lanes == 1) return dense_backward_input_of_one(a);
  const auto& p = a.as<DenseParams>();
  const Problem problem{
      a.f32(1), nullptr, 1, p.M, p.M, a.begin * kDenseUnit, least(a.end * kDenseUnit, p.K)};
  multiply(a, problem, 0, 3, p.rows, p.M, p.K, [](float*) {});
}

void lanes_to_rows(const KernelArgs& a) {
  const auto& p = a.as<DenseParams>();
  const int64_t pitch = div_up(p.M, 16) * 16;
  for (int64_t row = a.begin; row < a.end; ++row) {
    const float* x = a.f32(0) + row * p.M * kLanes;
    float* y = a.f32(1) + row * kLanes * pitch;
    from_lanes(0, p.M, x, [&](int lane, int64_t m, int64_t, Vec values) {
      store(y + lane * pitch + m, values);
    });
    // What lies beyond M but in the last vector is zero already.
    for (int64_t m = div_up(p.M, kWidth) * kWidth; m < pitch; m += kWidth)
      for (int64_t l = 0; l < kLanes; ++l) store(y + l * pitch + m, zero());
  }
}

namespace {

constexpr int kWeightRows = kRegisters >= 32 ? 12 : 6;
constexpr int kWeightVectors = kRegisters >= 32 ? 2 : 1;

// Shards whose dy stays in the second-level cache while the tiles move over dw.
struct ShardBlock {
  int64_t begin, end;
};
constexpr int64_t kBlockFloats = 1 << 16;

// dw[k .. k+R)[m .. m + V vectors) over the samples of a block, added to what those before gave;
// dy lies as rows of samples.
template <int R, int V>
CONVNET_INLINE void weight_tile(const KernelArgs& a, const DenseParams& p, ShardBlock block,
                                int64_t k, int64_t m) {
  const int64_t pitch = div_up(p.M, 16) * 16;
  Vec acc[R][V];
  CONVNET_EACH(r, R)
    CONVNET_EACH(v, V)
      acc[r][v] = block.begin
                      ? load_some(a.f32(2) + (k + r) * p.M + m + v * kWidth, p.M - m - v * kWidth)
                      : zero();
  for (int64_t shard = block.begin; shard < block.end; ++shard) {
    const int64_t live = a.live(shard);
    for (int64_t row = 0; row < p.rows; ++row) {
      const float* x = a.f32(0) + shard * a.stride[0] + (row * p.K + k) * kLanes;
      const float* dy = a.f32(1) + shard * a.stride[1] + row * kLanes * pitch + m;
      for (int64_t n = 0; n < live; ++n, dy += pitch) {
        Vec g[V];
        CONVNET_EACH(v, V) g[v] = load(dy + v * kWidth);
        CONVNET_EACH(r, R) {
          const Vec s = set1(x[r * kLanes + n]);
          CONVNET_EACH(v, V) acc[r][v] = fma(s, g[v], acc[r][v]);
        }
      }
    }
  }
  CONVNET_EACH(r, R)
    CONVNET_EACH(v, V) {
      const int64_t at = m + v * kWidth;
      store_some(a.f32(2) + (k + r) * p.M + at, p.M - at, acc[r][v]);
    }
}

template <int R>
__attribute__((noinline)) void weight_rows(const KernelArgs& a, const DenseParams& p,
                                           ShardBlock block, int64_t k) {
  const int64_t vectors = div_up(p.M, kWidth);
  int64_t v = 0;
  for (; v + kWeightVectors <= vectors; v += kWeightVectors)
    weight_tile<R, kWeightVectors>(a, p, block, k, v * kWidth);
  for (; v < vectors; ++v) weight_tile<R, 1>(a, p, block, k, v * kWidth);
}

}  // namespace

void dense_backward_weight(const KernelArgs& a) {
  if (a.lanes == 1) return dense_backward_weight_of_one(a);
  const auto& p = a.as<DenseParams>();
  const int64_t end = least(a.end * kDenseWeightUnit, p.K);
  const int64_t shard_floats = p.rows * kLanes * div_up(p.M, 16) * 16;
  const int64_t size = most(1, kBlockFloats / most(1, shard_floats));
  for (int64_t first = 0; first < a.step->shards; first += size) {
    const ShardBlock block{first, least(first + size, a.step->shards)};
    int64_t k = a.begin * kDenseWeightUnit;
    for (; k + kWeightRows <= end; k += kWeightRows) weight_rows<kWeightRows>(a, p, block, k);
    for (; k < end; ++k) weight_rows<1>(a, p, block, k);
  }
}

}  // namespace convnet::CONVNET_ISA
