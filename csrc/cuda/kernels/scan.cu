// Ops that go along an axis element by element: running sums, places of extremes.
#include "cuda/divide.h"
#include "cuda/team.h"
#include "ops/axis.h"

namespace convnet::cuda {

namespace {

__device__ __forceinline__ int64_t first_of(const AxisParams& p, int64_t row) {
  return p.inner == 1 ? row * p.n : row + divide(row, p.inner).quotient * (p.n - 1) * p.inner;
}

// A row is summed by a thread, or 32 elements at a time by a warp.
__global__ void running_sums(const float* x, float* y, int64_t rows, AxisParams p, int team) {
  each_row_of_team(team, rows, [&](int64_t row, int rank) {
    const int64_t first = first_of(p, row);
    float total = 0;
    for (int64_t begin = 0; begin < p.n; begin += team) {
      const int64_t k = begin + rank;
      const int64_t at = first + (p.flag ? p.n - 1 - k : k) * p.inner;
      float sum = k < p.n ? x[at] : 0.0f;
      CONVNET_UNROLLED(1)
      for (int offset = 1; offset < team; offset *= 2) {
        const float before = __shfl_sync(~0u, sum, (rank - offset) & (kWarp - 1));
        if (rank >= offset) sum += before;
      }
      sum += total;
      if (k < p.n) y[at] = sum;
      total = team > 1 ? __shfl_sync(~0u, sum, kWarp - 1) : sum;
    }
  });
}

// A number whose order is that of x, -0 being 0 and NaN larger than every number.
CONVNET_INLINE uint32_t order_of(float x) {
  if (x != x) return ~0u;
  const auto bits = static_cast<uint32_t>(bits_of(x + 0.0f));
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

// Of equal extremes the first.
__global__ void place(const float* x, float* y, int64_t rows, AxisParams p, int team,
                      bool smallest) {
  each_row_of_team(team, rows, [&](int64_t row, int rank) {
    const float* from = x + first_of(p, row);
    uint64_t best = 0;
    for (int64_t k = rank; k < p.n; k += team) {
      const float value = from[k * p.inner];
      const uint64_t order = order_of(smallest ? -value : value);
      const uint64_t next = order << 32 | ~static_cast<uint32_t>(k);
      best = next > best ? next : best;
    }
    best = over_team(team, best, [](uint64_t a, uint64_t b) { return a > b ? a : b; });
    if (rank == 0) y[row] = static_cast<float>(~static_cast<uint32_t>(best));
  });
}

void launch_place(const Call& a, bool smallest) {
  const auto& p = a.as<AxisParams>();
  const int64_t rows = a.samples * p.outer * p.inner;
  const int team = team_for(p.inner > 1, p.n);
  launch(place, blocks_for_teams(team, rows), kThreads, a.stream,
         static_cast<const float*>(a.f32(0)), a.f32(1), rows, p, team, smallest);
}

}  // namespace

void cumsum(const Call& a) {
  const auto& p = a.as<AxisParams>();
  const int64_t rows = a.samples * p.outer * p.inner;
  const int team = p.inner > 1 ? 1 : kWarp;
  launch(running_sums, blocks_for_teams(team, rows), kThreads, a.stream,
         static_cast<const float*>(a.f32(0)), a.f32(1), rows, p, team);
}

void argmax(const Call& a) { launch_place(a, false); }
void argmin(const Call& a) { launch_place(a, true); }

}  // namespace convnet::cuda
