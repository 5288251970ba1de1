// Data movement. Batched values move in blocks of 16 floats, one for each sample of a feature, so
// that nothing is shuffled.
#include "ops/strided.h"

#include "cpu/kernels/index.h"
#include "cpu/kernels/tail.h"
#include "cpu/simd/transpose.h"

namespace convnet::CONVNET_ISA {

namespace {

// One feature.
CONVNET_INLINE void move_one(float* out, const float* in, int64_t lanes) {
  if (lanes == 1) {
    *out = *in;
    return;
  }
  CONVNET_EACH(v, kVectors) store(out + v * kWidth, load(in + v * kWidth));
}

// n features, `stride` apart in `in`.
CONVNET_INLINE void move_row(float* out, const float* in, int64_t n, int64_t stride,
                             int64_t lanes) {
  if (stride == 1) {
    __builtin_memcpy(out, in, static_cast<size_t>(n * lanes) * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < n; ++i) move_one(out + i * lanes, in + i * stride * lanes, lanes);
}

CONVNET_INLINE void fill(float* out, int64_t n, float value) {
  for (int64_t i = 0; i < n; ++i) out[i] = value;
}

// Columns [begin, end) of a transposed matrix: rows of the input.
void transpose_squares(const StridedParams& p, const float* in, float* out, int64_t begin,
                       int64_t end) {
  const int64_t n = p.size[1], pitch = p.stride[1];
  for (int64_t row = 0; row < p.size[0]; row += kWidth) {
    const int64_t rows = least(kWidth, p.size[0] - row);
    for (int64_t c = begin; c < end; c += kWidth) {
      const int64_t columns = least(kWidth, end - c);
      Vec square[kWidth];
      CONVNET_EACH(i, kWidth)
        square[i] = i < columns ? load_first(in + (c + i) * pitch + row, rows) : zero();
      transpose(square);
      CONVNET_EACH(i, kWidth)
        if (i < rows) store_some(out + (row + i) * n + c, columns, square[i]);
    }
  }
}

// The rows of the result that the units at hand are made of.
void read_strided(const KernelArgs& a) {
  const auto& p = a.as<StridedParams>();
  if (p.squares)
    return transpose_squares(p, a.f32(0) + p.first, a.f32(1), a.begin * kColumnsOfSquares,
                             least(a.end * kColumnsOfSquares, p.size[1]));
  const int64_t begin = a.begin * p.rows_per_unit, end = least(a.end * p.rows_per_unit, p.rows);
  if (begin >= end) return;
  const int64_t last = p.rank - 1, n = p.size[last];
  int64_t index[kStridedRank] = {}, in = p.first, left = begin;
  for (int64_t d = last - 1; d >= 0; --d) {
    index[d] = left % p.size[d];
    left /= p.size[d];
    in += index[d] * p.stride[d];
  }
  for (int64_t row = begin; row < end; ++row) {
    move_row(a.f32(1) + row * n * a.lanes, a.f32(0) + in * a.lanes, n, p.stride[last], a.lanes);
    for (int64_t d = last - 1; d >= 0; --d) {
      in += p.stride[d];
      if (++index[d] < p.size[d]) break;
      in -= p.size[d] * p.stride[d];
      index[d] = 0;
    }
  }
}

}  // namespace

void transpose(const KernelArgs& a) { read_strided(a); }
void slice(const KernelArgs& a) { read_strided(a); }
void reverse(const KernelArgs& a) { read_strided(a); }
void tile(const KernelArgs& a) { read_strided(a); }

void concat(const KernelArgs& a) {
  const auto& p = a.as<ConcatParams>();
  struct Part {
    int64_t features, repeated_rows;
  };
  const Part* parts = reinterpret_cast<const Part*>(a.list<ConcatParams>());
  for (int64_t row = a.begin; row < a.end; ++row) {
    float* out = a.f32(static_cast<int>(p.inputs)) + row * p.row * a.lanes;
    for (int i = 0; i < p.inputs; ++i) {
      const int64_t n = parts[i].features, rows = parts[i].repeated_rows;
      if (rows == 0) {
        move_row(out, a.f32(i) + row * n * a.lanes, n, 1, a.lanes);
      } else {
        const float* in = a.f32(i) + row % rows * n;
        for (int64_t f = 0; f < n; ++f) fill(out + f * a.lanes, a.lanes, in[f]);
      }
      out += n * a.lanes;
    }
  }
}

namespace {

// First feature of the input that row `row` of the result holds; -1 where it is padding.
CONVNET_INLINE int64_t padded_row(const PadParams& p, int64_t row) {
  int64_t in = 0, scale = p.count[p.rank - 1] * p.run;
  for (int64_t d = p.rank - 2; d >= 0; --d) {
    const int64_t at = row % p.size[d] - p.begin[d];
    row /= p.size[d];
    if (at < 0 || at % p.step[d] != 0 || at / p.step[d] >= p.count[d]) return -1;
    in += at / p.step[d] * scale;
    scale *= p.count[d];
  }
  return in;
}

}  // namespace

void pad(const KernelArgs& a) {
  const auto& p = a.as<PadParams>();
  const int64_t end = least(a.end * p.rows_per_unit, p.rows), last = p.rank - 1;
  const int64_t run = p.run * a.lanes, length = p.size[last] * run, step = p.step[last];
  for (int64_t row = a.begin * p.rows_per_unit; row < end; ++row) {
    float* out = a.f32(1) + row * length;
    const int64_t from = padded_row(p, row);
    if (from < 0 || p.count[last] == 0) {
      fill(out, length, p.value);
      continue;
    }
    const float* in = a.f32(0) + from * a.lanes;
    const int64_t first = p.begin[last], beyond = first + (p.count[last] - 1) * step + 1;
    fill(out, first * run, p.value);
    if (step == 1) {
      move_row(out + first * run, in, p.count[last] * p.run, 1, a.lanes);
    } else {
      for (int64_t i = 0; i < p.count[last]; ++i) {
        float* place = out + (first + i * step) * run;
        move_row(place, in + i * run, p.run, 1, a.lanes);
        if (i + 1 < p.count[last]) fill(place + run, (step - 1) * run, p.value);
      }
    }
    fill(out + beyond * run, length - beyond * run, p.value);
  }
}

}  // namespace convnet::CONVNET_ISA
