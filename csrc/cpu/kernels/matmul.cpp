// Products of matrices. With samples in lanes a number of the result is a vector of samples;
// where neither operand has a batch, vectors lie along the columns of the result.
#include "ops/matmul.h"

#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kRows = kRegisters >= 32 ? 4 : 2;  // of a tile
constexpr int kColumns = 4;

// One operand of one product: elements of the first index, and of the second, lie apart by
// `outer` and `summed` floats.
struct Factor {
  const float* data;
  int64_t outer, summed;
};

// How an element is read: 16 samples, or one number for all of them.
struct PerSample {
  static CONVNET_INLINE Vec get(const float* p, int64_t lane) { return load(p + lane); }
};
struct Shared {
  static CONVNET_INLINE Vec get(const float* p, int64_t) { return set1(*p); }
};

template <int R, int C, class A, class B>
CONVNET_INLINE void tile(const Factor& a, const Factor& b, int64_t K, float* y, int64_t pitch) {
  for (int64_t lane = 0; lane < kLanes; lane += kWidth) {
    Vec acc[R][C];
    CONVNET_EACH(r, R)
      CONVNET_EACH(c, C) acc[r][c] = zero();
    for (int64_t k = 0; k < K; ++k) {
      Vec right[C];
      CONVNET_EACH(c, C) right[c] = B::get(b.data + k * b.summed + c * b.outer, lane);
      CONVNET_EACH(r, R) {
        const Vec left = A::get(a.data + k * a.summed + r * a.outer, lane);
        CONVNET_EACH(c, C) acc[r][c] = fma(left, right[c], acc[r][c]);
      }
    }
    CONVNET_EACH(r, R)
      CONVNET_EACH(c, C) store(y + (r * pitch + c) * kLanes + lane, acc[r][c]);
  }
}

// R rows of y [M, N, 16].
template <int R, class A, class B>
CONVNET_INLINE void rows_of_samples(const Factor& a, const Factor& b, const MatmulParams& p,
                                    float* y) {
  int64_t n = 0;
  for (; n + kColumns <= p.N; n += kColumns)
    tile<R, kColumns, A, B>(a, {b.data + n * b.outer, b.outer, b.summed}, p.K, y + n * kLanes, p.N);
  for (; n < p.N; ++n)
    tile<R, 1, A, B>(a, {b.data + n * b.outer, b.outer, b.summed}, p.K, y + n * kLanes, p.N);
}

// `n` elements of a row of b, zeros beyond.
CONVNET_INLINE Vec row_part(const float* p, int64_t step, int64_t n) {
  if (step == 1) return load_some(p, n);
  float all[kWidth] = {};
  for (int64_t i = 0; i < least(n, kWidth); ++i) all[i] = p[i * step];
  return load(all);
}

// R rows of y [M, N].
template <int R>
CONVNET_INLINE void rows_of_numbers(const Factor& a, const Factor& b, const MatmulParams& p,
                                    float* y) {
  for (int64_t n = 0; n < p.N; n += kWidth) {
    Vec acc[R];
    CONVNET_EACH(r, R) acc[r] = zero();
    for (int64_t k = 0; k < p.K; ++k) {
      const Vec right = row_part(b.data + k * b.summed + n * b.outer, b.outer, p.N - n);
      CONVNET_EACH(r, R) acc[r] = fma(set1(a.data[k * a.summed + r * a.outer]), right, acc[r]);
    }
    CONVNET_EACH(r, R) store_some(y + r * p.N + n, p.N - n, acc[r]);
  }
}

template <int R>
void rows(const Factor& a, const Factor& b, const MatmulParams& p, float* y) {
  if (p.batched[0] && p.batched[1]) return rows_of_samples<R, PerSample, PerSample>(a, b, p, y);
  if (p.batched[0]) return rows_of_samples<R, PerSample, Shared>(a, b, p, y);
  if (p.batched[1]) return rows_of_samples<R, Shared, PerSample>(a, b, p, y);
  rows_of_numbers<R>(a, b, p, y);
}

// Floats from the start of operand `k` to its matrix for product `i`.
int64_t matrix_at(const Strides& s, int k, int64_t i) {
  int64_t at = 0;
  for (int axis = s.axes - 1; axis >= 0; --axis) {
    at += i % s.extent[axis] * s.stride[k][axis];
    i /= s.extent[axis];
  }
  return at;
}

}  // namespace

void matmul(const KernelArgs& args) {
  const auto& p = args.as<MatmulParams>();
  if (!p.stack.size || !p.M) return;
  const int64_t blocks = div_up(p.M, kMatmulRows);
  const int64_t lanes = p.batched[0] || p.batched[1] ? kLanes : 1;
  for (int64_t unit = args.begin; unit < args.end; ++unit) {
    const int64_t product = unit / blocks, first = unit % blocks * kMatmulRows,
                  last = least(first + kMatmulRows, p.M);
    const Factor b{args.f32(1) + matrix_at(p.stack, 1, product), p.column_stride[1],
                   p.row_stride[1]};
    const Factor whole{args.f32(0) + matrix_at(p.stack, 0, product), p.row_stride[0],
                       p.column_stride[0]};
    float* y = args.f32(2) + product * p.M * p.N * lanes;
    int64_t m = first;
    for (; m + kRows <= last; m += kRows)
      rows<kRows>({whole.data + m * whole.outer, whole.outer, whole.summed}, b, p,
                  y + m * p.N * lanes);
    for (; m < last; ++m)
      rows<1>({whole.data + m * whole.outer, whole.outer, whole.summed}, b, p, y + m * p.N * lanes);
  }
}

}  // namespace convnet::CONVNET_ISA
