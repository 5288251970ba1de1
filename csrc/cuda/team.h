// Rows that are dealt to teams of threads: single threads where neighbouring rows lie side by side,
// else warps, or blocks where rows are long. The choice depends on shapes of one sample alone, and
// so do the bits of what is added up.
#pragma once

#include <type_traits>

#include "cuda/block.h"

namespace convnet::cuda {

constexpr int kWarp = 32;
constexpr int64_t kLongRow = 1024;  // elements, from which on a block takes it

// body(row, rank): `rank` is the thread's place in its team.
template <int kTeam, class Body>
__device__ __forceinline__ void each_row_of_team(int64_t rows, Body body) {
  constexpr int kTeams = kThreads / kTeam;
  for (int64_t row = int64_t{blockIdx.x} * kTeams + threadIdx.x / kTeam; row < rows;
       row += int64_t{gridDim.x} * kTeams)
    body(row, static_cast<int>(threadIdx.x % kTeam));
}

// What `add` makes of the values of a team, for all of its threads.
template <int kTeam, class T, class Add>
__device__ __forceinline__ T over_team(T value, Add add) {
  if constexpr (kTeam == kThreads) {
    return over_block(value, add);
  } else {
    for (int offset = kTeam / 2; offset > 0; offset /= 2)
      value = add(value, __shfl_xor_sync(~0u, value, offset));
    return value;
  }
}

template <int kTeam>
__device__ __forceinline__ float sum_over_team(float value) {
  return over_team<kTeam>(value, [](float a, float b) { return a + b; });
}

template <int kTeam>
dim3 blocks_for_teams(int64_t rows) {
  return blocks_for(rows * kTeam);
}

// go(size), a constant, with the size of the teams that rows of `length` elements take.
template <class Go>
void with_team(bool side_by_side, int64_t length, Go go) {
  if (side_by_side) return go(std::integral_constant<int, 1>{});
  if (length < kLongRow) return go(std::integral_constant<int, kWarp>{});
  go(std::integral_constant<int, kThreads>{});
}

}  // namespace convnet::cuda
