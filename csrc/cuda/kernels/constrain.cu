// Constraints on weights: w times a factor that depends on its norm over some axes.
#include "cpu/kernels/constrained.h"
#include "cuda/divide.h"
#include "cuda/team.h"

namespace convnet::cuda {

namespace {

constexpr int kShares = kThreads / kWarp;

CONVNET_CALLED int64_t place_along_axes(const StridedAxes& axes, int64_t i) {
  int64_t at = 0;
  CONVNET_UNROLLED(1)
  for (int64_t axis = axes.rank - 1; axis >= 0; --axis) {
    const auto [outer, here] = divide(i, axes.size[axis]);
    at += here * axes.stride[axis];
    i = outer;
  }
  return at;
}
// The axes are part of a CONVNET_PARAMETER.
__device__ __forceinline__ int64_t place_of(const StridedAxes& axes, int64_t i) {
  return axes.rank == 1 ? i * axes.stride[0] : place_along_axes(axes, i);
}

// A block takes 32 norms that lie side by side; 8 threads share a norm.
__global__ void side_by_side(float* w, CONVNET_PARAMETER ConstrainParams p) {
  __shared__ float shares[kShares][kWarp + 1];
  const int column = static_cast<int>(threadIdx.x) % kWarp;
  const int share = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t across = (p.inner + kWarp - 1) / kWarp;
  each_row_of_block(p.kept.count * across, [&](int64_t i) {
    const auto [outer, part] = divide(i, across);
    const int64_t at = part * kWarp + column;
    const int64_t terms = at < p.inner ? p.reduced.count : 0;
    float* first = w + place_of(p.kept, outer) + at;
    Vec squares = zero();
    for (int64_t r = share; r < terms; r += kShares) {
      const Vec x = load(first + place_of(p.reduced, r));
      squares = fma(x, x, squares);
    }
    store(&shares[share][column], squares);
    __syncthreads();
    squares = load(&shares[0][column]);
    for (int s = 1; s < kShares; ++s) squares = squares + load(&shares[s][column]);
    for (int64_t r = share; r < terms; r += kShares) {
      float* x = first + place_of(p.reduced, r);
      store(x, constrained(p, load(x), squares));
    }
    __syncthreads();
  });
}

// One norm over rows of neighbouring elements.
__global__ void in_rows(float* w, CONVNET_PARAMETER ConstrainParams p, int team) {
  each_row_of_team(team, p.kept.count, [&](int64_t row, int rank) {
    float* first = w + place_of(p.kept, row);
    const int64_t terms = p.reduced.count * p.inner;
    const auto term = [&](int64_t i) {
      const auto [outer, inner] = divide(i, p.inner);
      return first + place_of(p.reduced, outer) + inner;
    };
    float squares = 0;
    for (int64_t i = rank; i < terms; i += team) squares = fmaf(*term(i), *term(i), squares);
    squares = sum_over_team(team, squares);
    for (int64_t i = rank; i < terms; i += team)
      store(term(i), constrained(p, load(term(i)), set1(squares)));
  });
}

__global__ void drop_negative(float* w, int64_t n) {
  each_element(n, [&](int64_t i) { store(w + i, max(zero(), load(w + i))); });
}

}  // namespace

void constrain(const Call& a) {
  const auto& p = a.as<ConstrainParams>();
  float* w = a.f32(0) + p.offset;
  if (p.kind == ConstraintKind::non_neg)
    return launch(drop_negative, blocks_for(p.inner), kThreads, a.stream, w, p.inner);
  if (p.inner_kept) {
    const int64_t blocks = p.kept.count * div_up(p.inner, kWarp);
    return launch(side_by_side, blocks_for_rows(blocks), kThreads, a.stream, w, p);
  }
  const int team = team_for(false, p.reduced.count * p.inner);
  launch(in_rows, blocks_for_teams(team, p.kept.count), kThreads, a.stream, w, p, team);
}

}  // namespace convnet::cuda
