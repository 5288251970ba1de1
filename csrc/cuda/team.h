// Rows that are dealt to teams of threads: single threads where neighbouring rows lie side by side,
// else warps, or blocks where rows are long. The choice depends on shapes of one sample alone, and
// so do the bits of what is added up.
#pragma once

#include "cuda/block.h"

namespace convnet::cuda {

constexpr int64_t kLongRow = 1024;  // elements, from which on a block takes it

// Threads of the teams that rows of `length` elements take: 1, kWarp or kThreads.
inline int team_for(bool side_by_side, int64_t length) {
  return side_by_side ? 1 : length < kLongRow ? kWarp : kThreads;
}

// body(row, rank): `rank` is the thread's place in its team.
template <class Body>
__device__ __forceinline__ void each_row_of_team(int team, int64_t rows, Body body) {
  const int thread = static_cast<int>(threadIdx.x);
  const int mine = team == 1 ? thread : team == kWarp ? thread / kWarp : 0;
  const int teams = team == 1 ? kThreads : team == kWarp ? kThreads / kWarp : 1;
  for (int64_t row = int64_t{blockIdx.x} * teams + mine; row < rows;
       row += int64_t{gridDim.x} * teams)
    body(row, thread - mine * team);
}

// What `add` makes of the values of a team, for all of its threads.
template <class T, class Add>
__device__ __forceinline__ T over_team(int team, T value, Add add) {
  if (team == 1) return value;
  value = over_warp(value, add);
  return team == kWarp ? value : over_warps(value, add);
}

__device__ __forceinline__ float sum_over_team(int team, float value) {
  return over_team(team, value, [](float a, float b) { return a + b; });
}

inline dim3 blocks_for_teams(int team, int64_t rows) { return blocks_for(rows * team); }

}  // namespace convnet::cuda
