// Embedding. Backward, a block owns some rows of the table and some columns: each of its warps
// looks through its share of the ids and adds up what it finds, lane by column, and the warps' sums
// are added at the end, so that the order of additions depends on the ids alone.
#include "ops/embedding.h"

#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

constexpr int kWarps = 16, kRows = 16;  // of a block
constexpr int kAtOnce = 4;              // rows of the gradient that a warp has under way

// Row of a table with `rows` rows; -1 where the number names none.
CONVNET_INLINE int64_t row_of(float id, int64_t rows) {
  return id > -1.0f && id < static_cast<float>(rows) ? static_cast<int64_t>(id) : -1;
}

__global__ void rows_of_table(const float* ids, const float* table, float* out, int64_t n,
                              EmbeddingParams p) {
  each_element(n, [&](int64_t i) {
    const int64_t row = row_of(ids[i / p.columns], p.rows);
    out[i] = row < 0 ? __builtin_nanf("") : table[row * p.columns + i % p.columns];
  });
}

__global__ void __launch_bounds__(kWarps * 32)
    gradient_of_table(const float* ids, const float* dy, float* table, int64_t n,
                      EmbeddingParams p) {
  __shared__ float sums[kWarps][kRows][32];
  const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  const int64_t first = int64_t{blockIdx.x} * kRows, column = int64_t{blockIdx.y} * 32 + lane;
  for (int r = 0; r < kRows; ++r) sums[warp][r][lane] = 0;
  for (int64_t begin = warp * 32; begin < n; begin += kWarps * 32) {
    const int64_t row = begin + lane < n ? row_of(ids[begin + lane], p.rows) : -1;
    const bool mine = first <= row && row < first + kRows;
    const int place = mine ? static_cast<int>(row - first) : 0;
    for (uint32_t found = __ballot_sync(~0u, mine); found != 0;) {
      int at[kAtOnce] = {}, count = 0;
      float values[kAtOnce] = {};
      for (int i = 0; i < kAtOnce; ++i) {
        if (found == 0) continue;
        const int from = __ffs(static_cast<int>(found)) - 1;
        found &= found - 1;
        at[i] = __shfl_sync(~0u, place, from);
        if (column < p.columns) values[i] = dy[(begin + from) * p.columns + column];
        count = i + 1;
      }
      for (int i = 0; i < kAtOnce; ++i)
        if (i < count) sums[warp][at[i]][lane] += values[i];
    }
  }
  __syncthreads();
  for (int r = warp; r < kRows; r += kWarps) {
    float sum = sums[0][r][lane];
    for (int w = 1; w < kWarps; ++w) sum += sums[w][r][lane];
    if (first + r < p.rows && column < p.columns) table[(first + r) * p.columns + column] = sum;
  }
}

}  // namespace

void embedding(const Call& a) {
  const auto& p = a.as<EmbeddingParams>();
  const int64_t n = a.samples * p.positions * p.columns;
  launch(rows_of_table, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(3), n, p);
}

void embedding_backward(const Call& a) {
  const auto& p = a.as<EmbeddingParams>();
  const dim3 grid(static_cast<unsigned>(div_up(p.rows, kRows)),
                  static_cast<unsigned>(div_up(p.columns, 32)));
  launch(gradient_of_table, grid, kWarps * 32, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const float*>(a.f32(1)), a.f32(2), a.batch * p.positions, p);
}

}  // namespace convnet::cuda
