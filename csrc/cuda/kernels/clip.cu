// Clipping of gradients by value and by norm: sums of squares of blocks, norms of variables, then
// the scaling.
#include "ops/clip.h"

#include "cuda/block.h"

namespace convnet::cuda {

namespace {

constexpr int64_t kMostPieces = 128;  // of a launch, so that they fit into its arguments

// As in ClipNormParams' list; piece[count] says where the blocks end.
struct Piece {
  int64_t begin, end, first_block;
};
struct Pieces {
  int64_t first, count;  // variables
  Piece piece[kMostPieces + 1];

  int64_t blocks() const { return piece[count].first_block - piece[0].first_block; }
};

// go(pieces) for all variables, a launch's at a time.
template <class Go>
void each_pieces(const Call& a, Go go) {
  const auto* piece = reinterpret_cast<const Piece*>(a.list<ClipNormParams>());
  const int64_t variables = a.as<ClipNormParams>().variables;
  for (int64_t first = 0; first < variables; first += kMostPieces) {
    Pieces some{first, std::min(kMostPieces, variables - first), {}};
    std::copy_n(piece + first, some.count + 1, some.piece);
    go(some);
  }
}

// body(variable, block, begin, end) for each block of elements.
template <class Body>
__device__ __forceinline__ void each_block(const Pieces& pieces, Body body) {
  const int64_t first = pieces.piece[0].first_block;
  each_row_of_block(pieces.piece[pieces.count].first_block - first, [&](int64_t row) {
    const int64_t block = first + row;
    int64_t low = 0, high = pieces.count;  // the last piece that begins at this block or before
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (pieces.piece[middle].first_block <= block ? low : high) = middle;
    }
    const Piece& piece = pieces.piece[low];
    const int64_t begin = piece.begin + (block - piece.first_block) * kNormBlock;
    const int64_t end = begin + kNormBlock < piece.end ? begin + kNormBlock : piece.end;
    body(pieces.first + low, block, begin, end);
  });
}

__global__ void square(const float* x, float* squares, Pieces pieces) {
  each_block(pieces, [&](int64_t, int64_t block, int64_t begin, int64_t end) {
    float sum = 0;
    for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) sum = fmaf(x[i], x[i], sum);
    sum = sum_over_block(sum);
    if (threadIdx.x == 0) squares[block] = sum;
  });
}

__global__ void take_norms(const float* squares, float* norms, Pieces pieces) {
  each_row_of_block(pieces.count, [&](int64_t variable) {
    const int64_t end = pieces.piece[variable + 1].first_block;
    double sum = 0;
    for (int64_t b = pieces.piece[variable].first_block + threadIdx.x; b < end; b += kThreads)
      sum += static_cast<double>(squares[b]);
    sum = sum_over_block(sum);
    if (threadIdx.x == 0) norms[pieces.first + variable] = sqrtf(static_cast<float>(sum));
  });
}

__global__ void scale(const float* norms, float* x, Pieces pieces, float limit, bool global) {
  each_block(pieces, [&](int64_t variable, int64_t, int64_t begin, int64_t end) {
    const float norm = norms[variable], inverse = 1 / norm, most_inverse = 1 / limit;
    // An infinite norm makes every gradient NaN instead of hiding it behind zeros.
    const float factor =
        global ? limit * (inverse < most_inverse ? inverse : most_inverse) + (norm - norm) : limit;
    const float divisor = global ? 1.0f : norm <= limit ? limit : norm;
    for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) x[i] = x[i] * factor / divisor;
  });
}

__global__ void limit_values(float* x, int64_t n, float value) {
  const Vec low = set1(-value), high = set1(value);
  each_element(n, [&](int64_t i) { store(x + i, max(low, min(high, load(x + i)))); });
}

size_t scratch_of_norms(const void* params) {
  return static_cast<size_t>(static_cast<const ClipNormParams*>(params)->variables) * sizeof(float);
}

}  // namespace

void clip_value(const Call& a) {
  const auto& p = a.as<ClipValueParams>();
  launch(limit_values, blocks_for(p.size), kThreads, a.stream, a.f32(0), p.size, p.value);
}

void block_squares(const Call& a) {
  each_pieces(a, [&](const Pieces& pieces) {
    launch(square, blocks_for_rows(pieces.blocks()), kThreads, a.stream,
           static_cast<const float*>(a.f32(0)), a.f32(1), pieces);
  });
}

void clip_norm(const Call& a) {
  const auto& p = a.as<ClipNormParams>();
  auto* norms = static_cast<float*>(a.scratch);
  each_pieces(a, [&](const Pieces& pieces) {
    launch(take_norms, blocks_for_rows(pieces.count), kThreads, a.stream,
           static_cast<const float*>(a.f32(1)), norms, pieces);
    launch(scale, blocks_for_rows(pieces.blocks()), kThreads, a.stream,
           static_cast<const float*>(norms), a.f32(0), pieces, p.limit, p.global);
  });
}
size_t clip_norm_scratch(const void* params, int64_t) { return scratch_of_norms(params); }

void global_clip_norm(const Call& a) { clip_norm(a); }
size_t global_clip_norm_scratch(const void* params, int64_t) { return scratch_of_norms(params); }

}  // namespace convnet::cuda
