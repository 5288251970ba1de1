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

// Stores the sums of a tile, whose rows lie `pitch` floats apart. One loop for all that a `Put` may
// be: every product has a kernel for each tile, and all of them have this.
template <class Sums, class Put>
__device__ __forceinline__ void put_tile(const float* tile, int pitch, const Put& put,
                                         const Part& part, int M, int N) {
  const int together = put.vector ? 4 : 1;
  CONVNET_UNROLLED(1)
  for (int i = static_cast<int>(threadIdx.x) * together; i < Sums::kM * Sums::kN;
       i += Sums::kThreads * together) {
    const int m = i / Sums::kN, n = i % Sums::kN;
    if (part.row + m < M && part.column + n < N)
      put(part.product, part.slice, part.row + m, part.column + n, tile + m * pitch + n);
  }
}

}  // namespace convnet::cuda
