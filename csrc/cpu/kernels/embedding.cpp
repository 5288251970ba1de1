// Embedding. Backward, each thread owns some rows of the table and adds to them in the order of the
// samples, so that bits do not depend on who adds.
#include "ops/embedding.h"

#include "cpu/kernels/rows.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

// Row of a table with `rows` rows; -1 where the number names none.
CONVNET_INLINE int64_t row_of(float id, int64_t rows) {
  return id > -1.0f && id < static_cast<float>(rows) ? static_cast<int64_t>(id) : -1;
}

}  // namespace

void embedding(const KernelArgs& a) {
  const auto& p = a.as<EmbeddingParams>();
  const int64_t end = least(a.end * kEmbeddingPositions, p.positions);
  const float* table = a.f32(1);
  if (a.lanes == 1) {
    for (int64_t t = a.begin * kEmbeddingPositions; t < end; ++t) {
      const int64_t row = row_of(a.f32(0)[t], p.rows);
      float* out = a.f32(2) + t * p.columns;
      for (int64_t d = 0; d < p.columns; ++d)
        out[d] = row < 0 ? __builtin_nanf("") : table[row * p.columns + d];
    }
    return;
  }
  for (int64_t t = a.begin * kEmbeddingPositions; t < end; ++t) {
    const float* ids = a.f32(0) + t * kLanes;
    int64_t row[kLanes];
    for (int64_t l = 0; l < kLanes; ++l) row[l] = row_of(ids[l], p.rows);
    to_lanes(
        0, p.columns,
        [&](int lane, int64_t d, int64_t n) {
          if (row[lane] < 0) return set1(__builtin_nanf(""));
          return load_some(table + row[lane] * p.columns + d, n);
        },
        a.f32(2) + t * p.columns * kLanes);
  }
}

void embedding_backward(const KernelArgs& a) {
  const auto& p = a.as<EmbeddingParams>();
  const int64_t first = a.begin * kEmbeddingRows, last = least(a.end * kEmbeddingRows, p.rows);
  float* table = a.f32(2);
  const auto owned = [&](float id) {
    const int64_t row = row_of(id, p.rows);
    return first <= row && row < last ? row : -1;
  };
  __builtin_memset(table + first * p.columns, 0,
                   static_cast<size_t>((last - first) * p.columns) * sizeof(float));
  for (int64_t shard = 0; shard < a.step->shards; ++shard) {
    const int64_t live = a.live(shard);
    for (int64_t t = 0; t < p.positions; ++t) {
      const float* ids = a.f32(0) + shard * a.stride[0] + t * a.lanes;
      const float* dy = a.f32(1) + shard * a.stride[1] + t * p.columns * a.lanes;
      if (a.lanes == 1) {
        const int64_t row = owned(*ids);
        for (int64_t d = 0; row >= 0 && d < p.columns; ++d) table[row * p.columns + d] += dy[d];
        continue;
      }
      int64_t row[kLanes], found = 0;
      for (int64_t l = 0; l < kLanes; ++l) {
        row[l] = l < live ? owned(ids[l]) : -1;
        found += row[l] >= 0;
      }
      if (found == 0) continue;
      from_lanes(0, p.columns, dy, [&](int lane, int64_t d, int64_t n, Vec values) {
        if (row[lane] < 0) return;
        float* sum = table + row[lane] * p.columns + d;
        store_some(sum, n, load_some(sum, n) + values);
      });
    }
  }
}

}  // namespace convnet::CONVNET_ISA
