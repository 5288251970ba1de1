// Dense layers of samples one by one, outputs in lanes. Rows are taken in tiles where there are
// enough of them to use a weight more than once. Otherwise weights are read once, from first to
// last: a wide matrix in runs of eight rows, so that what is read lies together, and one of a few
// columns without gaps. Where outputs of many samples are few, dense_chunks has done the sums but
// for the last.
#include "ops/dense.h"

#include "cpu/kernels/activation.h"
#include "cpu/kernels/narrow_row.h"
#include "cpu/kernels/one.h"
#include "cpu/kernels/row_runs.h"
#include "cpu/kernels/row_tile.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int64_t kTiled = 4;   // rows from which tiles pay
constexpr int64_t kWide = 128;  // outputs from which a matrix is read in runs of rows

// `count` rows that lie evenly.
struct Even {
  const float* x;
  float* y;
  int64_t x_row, y_row, count;
};

// `tiled` is the same for all threads: sums in tiles and in chains have another order.
void multiply_rows(const DenseParams& p, const Even& rows, bool tiled, const float* w,
                   const float* bias, int64_t begin, int64_t end) {
  if (tiled) {
    const Runs runs{1, 1, p.K, 0, 0, p.M};
    each_block(end - begin, [&](int64_t at, int64_t outputs) {
      const int64_t m = begin + at;
      row_block(runs,
                {rows.x, w + m, bias ? bias + m : nullptr, rows.y + m, rows.x_row, rows.y_row,
                 rows.count, false},
                outputs);
    });
    return;
  }
  for (int64_t i = 0; i < rows.count; ++i) {
    const RowTimes r{rows.x + i * rows.x_row, w, bias, rows.y + i * rows.y_row, p.K, p.M};
    if (p.M >= kWide)
      row_runs(r, {begin, end});
    else if (p.K >= kNarrowInputs && period_of(p.M) <= kLongestPeriod)
      narrow_row(r, p.M);
    else
      row_times(r, begin, end);
  }
}

// One shard: the sums of its chunks, [rows][chunks][M], and the bias.
void add_chunks(const KernelArgs& a, const DenseParams& p) {
  const float *bias = a.f32(2), *sums = a.f32(3);
  for (int64_t row = 0; row < p.rows; ++row, sums += p.chunks * p.M) {
    float* y = a.f32(4) + row * p.M;
    for (int64_t m = 0; m < p.M; m += kWidth) {
      const int64_t n = least(kWidth, p.M - m);
      Vec total = bias ? load_some(bias + m, n) : zero();
      for (int64_t c = 0; c < p.chunks; ++c) total = total + load_some(sums + c * p.M + m, n);
      store_some(y + m, n, total);
    }
    activate_row(p.activation, y, p.M);
  }
}

}  // namespace

void dense_of_one(const KernelArgs& a) {
  const auto& p = a.as<DenseParams>();
  if (p.chunks) return add_chunks(a, p);
  const int64_t begin = a.begin * kDenseUnitOfOne, end = least(a.end * kDenseUnitOfOne, p.M);
  const bool tiled = a.step->shards * p.rows >= kTiled;
  const auto rows_of = [&](int64_t i) {
    return Even{a.f32(0) + a.shards[i] * a.stride[0], a.f32(3) + a.shards[i] * a.stride[3], p.K,
                p.M, p.rows};
  };
  if (p.rows == 1 && a.shard_count > 1 && lie_evenly(a)) {
    const int64_t step = a.shards[1] - a.shards[0];
    Even rows = rows_of(0);
    rows.x_row = step * a.stride[0], rows.y_row = step * a.stride[3];
    rows.count = a.shard_count;
    multiply_rows(p, rows, tiled, a.f32(1), a.f32(2), begin, end);
  } else {
    for (int64_t i = 0; i < a.shard_count; ++i)
      multiply_rows(p, rows_of(i), tiled, a.f32(1), a.f32(2), begin, end);
  }
  if (p.activation == Activation::linear) return;
  for (int64_t i = 0; i < a.shard_count; ++i)
    for (int64_t row = 0; row < p.rows; ++row)
      activate_row(p.activation, rows_of(i).y + row * p.M + begin, end - begin);
}

}  // namespace convnet::CONVNET_ISA
