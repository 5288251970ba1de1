// Data movement: each element of the result is looked up.
#include "ops/strided.h"

#include "cuda/block.h"
#include "cuda/divide.h"

namespace convnet::cuda {

namespace {

constexpr int kSquare = 32;

// `size` elements of the result for each sample.
__global__ void move(const float* x, int64_t sample, float* y, int64_t n, int64_t size,
                     StridedParams p) {
  each_element(n, [&](int64_t i) {
    auto [of, left] = divide(i, size);
    int64_t from = p.first + of * sample;
    CONVNET_UNROLLED(1)
    for (int64_t d = p.rank - 1; d > 0; --d) {
      const auto [outer, at] = divide(left, p.size[d]);
      from += at * p.stride[d];
      left = outer;
    }
    y[i] = x[from + left * p.stride[0]];
  });
}

// Transposed matrices, in squares that are read by rows of the input and written by rows of the
// result.
__global__ void move_squares(const float* x, int64_t sample, float* y, int64_t samples,
                             StridedParams p) {
  __shared__ float square[kSquare][kSquare + 1];
  const int64_t rows = p.size[0], columns = p.size[1];
  const int64_t across = (columns + kSquare - 1) / kSquare;
  const int64_t squares = across * ((rows + kSquare - 1) / kSquare);
  const int fast = static_cast<int>(threadIdx.x) % kSquare;
  each_row_of_block(samples * squares, [&](int64_t i) {
    const auto [of, place] = divide(i, squares);
    const auto [down, right] = divide(place, across);
    const int64_t row = down * kSquare, column = right * kSquare;
    const float* in = x + of * sample + p.first;
    float* out = y + of * rows * columns;
    for (int j = static_cast<int>(threadIdx.x) / kSquare; j < kSquare; j += kThreads / kSquare)
      if (row + fast < rows && column + j < columns)
        square[j][fast] = in[row + fast + (column + j) * p.stride[1]];
    __syncthreads();
    for (int j = static_cast<int>(threadIdx.x) / kSquare; j < kSquare; j += kThreads / kSquare)
      if (row + j < rows && column + fast < columns)
        out[(row + j) * columns + column + fast] = square[fast][j];
    __syncthreads();
  });
}

void read_strided(const Call& a) {
  const auto& p = a.as<StridedParams>();
  const float* x = a.f32(0);
  if (p.squares) {
    const int64_t squares = div_up(p.size[0], kSquare) * div_up(p.size[1], kSquare);
    return launch(move_squares, blocks_for_rows(a.samples * squares), kThreads, a.stream, x,
                  a.stride[0], a.f32(1), a.samples, p);
  }
  const int64_t size = p.rows * p.size[p.rank - 1], n = a.samples * size;
  launch(move, blocks_for(n), kThreads, a.stream, x, a.stride[0], a.f32(1), n, size, p);
}

// As in ConcatParams' list.
struct Part {
  int64_t features, repeated_rows;
};
constexpr int kMostParts = 24;
struct Parts {
  const float* data[kMostParts];
  Part part[kMostParts];
};

__global__ void join(Parts in, float* y, int64_t n, ConcatParams p) {
  each_element(n, [&](int64_t i) {
    int64_t row = i / p.row, column = i % p.row;
    int k = 0;
    for (; column >= in.part[k].features; ++k) column -= in.part[k].features;
    const Part part = in.part[k];
    if (part.repeated_rows) row = row % p.outer % part.repeated_rows;
    y[i] = in.data[k][row * part.features + column];
  });
}

// The element of one sample's x that element i of the result holds; -1 where it is padding.
__device__ __forceinline__ int64_t padded_place(const PadParams& p, int64_t i) {
  auto [left, from] = divide(i, p.run);
  int64_t scale = p.run;
  CONVNET_UNROLLED(1)
  for (int64_t d = p.rank - 1; d >= 0; --d) {
    const auto [outer, at] = divide(left, p.size[d]);
    if (at < p.begin[d]) return -1;
    const auto [place, between] = divide(at - p.begin[d], p.step[d]);
    if (between != 0 || place >= p.count[d]) return -1;
    from += place * scale;
    scale *= p.count[d];
    left = outer;
  }
  return from;
}

__global__ void surround(const float* x, int64_t sample, float* y, int64_t n, int64_t size,
                         PadParams p) {
  each_element(n, [&](int64_t i) {
    const auto [of, at] = divide(i, size);
    const int64_t from = padded_place(p, at);
    y[i] = from < 0 ? p.value : x[of * sample + from];
  });
}

}  // namespace

void transpose(const Call& a) { read_strided(a); }
void slice(const Call& a) { read_strided(a); }
void reverse(const Call& a) { read_strided(a); }
void tile(const Call& a) { read_strided(a); }

void concat(const Call& a) {
  const auto& p = a.as<ConcatParams>();
  const auto* parts = reinterpret_cast<const Part*>(a.list<ConcatParams>());
  Parts in{};
  for (int i = 0; i < p.inputs; ++i) in.data[i] = a.f32(i), in.part[i] = parts[i];
  const int64_t n = a.samples * p.outer * p.row;
  launch(join, blocks_for(n), kThreads, a.stream, in, a.f32(static_cast<int>(p.inputs)), n, p);
}

void pad(const Call& a) {
  const auto& p = a.as<PadParams>();
  const int64_t size = p.rows * p.size[p.rank - 1] * p.run, n = a.samples * size;
  launch(surround, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         a.stride[0], a.f32(1), n, size, p);
}

}  // namespace convnet::cuda
