// The part of a matrix product that a block computes, and how its sums are stored.
#pragma once

#include "cuda/launch.h"

namespace convnet::cuda {

struct Slices {
  int count, length;  // of K
};

// Blocks that a processor holds at a time.
template <class Sums>
constexpr int kResident = 512 / Sums::kThreads;

// A tile of one of the products, and a slice [begin, end) of K.
struct Part {
  int product, slice, row, column, begin, end;
};
template <class Sums>
__device__ __forceinline__ Part part_of_block(int M, int N, int K, const Slices& slices) {
  const int across = (N + Sums::kN - 1) / Sums::kN, tiles = (M + Sums::kM - 1) / Sums::kM * across;
  const int product = static_cast<int>(blockIdx.x) / tiles;
  const int tile = static_cast<int>(blockIdx.x) % tiles, slice = static_cast<int>(blockIdx.y);
  const int row = tile / across * Sums::kM, column = tile % across * Sums::kN;
  const int begin = slice * slices.length;
  return {product, slice, row,
          column,  begin, K - begin > slices.length ? begin + slices.length : K};
}

// Stores the sums of a tile, whose rows lie `pitch` floats apart.
template <class Sums, class Put>
__device__ __forceinline__ void put_tile(const float* tile, int pitch, const Put& put,
                                         const Part& part, int M, int N) {
  const int thread = static_cast<int>(threadIdx.x);
  if (put.vector) {
    constexpr int kAcross = Sums::kN / 4;
    for (int i = thread; i < Sums::kM * kAcross; i += Sums::kThreads) {
      const int m = i / kAcross, n = i % kAcross * 4;
      const float* sum = tile + m * pitch + n;
      if (part.row + m < M && part.column + n < N)
        put.four(part.product, part.slice, part.row + m, part.column + n,
                 *reinterpret_cast<const float4*>(sum));
    }
  } else {
    for (int i = thread; i < Sums::kM * Sums::kN; i += Sums::kThreads) {
      const int m = i / Sums::kN, n = i % Sums::kN;
      if (part.row + m < M && part.column + n < N)
        put.one(part.product, part.slice, part.row + m, part.column + n, tile[m * pitch + n]);
    }
  }
}

}  // namespace convnet::cuda
