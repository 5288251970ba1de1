// Embedding. Backward, each thread owns some rows of the table, or some columns of the rows that
// the batch looks up, and adds to them in the order of the samples: bits do not depend on who adds.
#include "ops/embedding.h"

#include "cpu/kernels/rows.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

// Row of a table with `rows` rows; -1 where the number names none.
CONVNET_INLINE int64_t row_of(float id, int64_t rows) {
  return id > -1.0f && id < static_cast<float>(rows) ? static_cast<int64_t>(id) : -1;
}

// The rows of the next position: nothing tells the processor where they are.
CONVNET_INLINE void ask_for_rows(const EmbeddingParams& p, const float* table, const float* ids) {
  for (int64_t l = 0; l < kLanes; ++l) {
    const float* row = table + most(row_of(ids[l], p.rows), 0) * p.columns;
    for (int64_t d = 0; d < p.columns; d += kLineFloats) prefetch(row + d);
  }
}

}  // namespace

void embedding(const KernelArgs& a) {
  const auto& p = a.as<EmbeddingParams>();
  const int64_t end = least(a.end * kEmbeddingPositions, p.positions);
  const float* table = a.f32(1);
  if (a.lanes == 1) {
    for (int64_t t = a.begin * kEmbeddingPositions; t < end; ++t) {
      const int64_t row = row_of(a.f32(0)[t], p.rows);
      float* out = a.f32(3) + t * p.columns;
      for (int64_t d = 0; d < p.columns; ++d)
        out[d] = row < 0 ? __builtin_nanf("") : table[row * p.columns + d];
    }
    return;
  }
  for (int64_t t = a.begin * kEmbeddingPositions; t < end; ++t) {
    const float* ids = a.f32(0) + t * kLanes;
    if (t + 1 < end) ask_for_rows(p, table, ids + kLanes);
    int64_t row[kLanes];
    for (int64_t l = 0; l < kLanes; ++l) row[l] = row_of(ids[l], p.rows);
    to_lanes(
        0, p.columns,
        [&](int lane, int64_t d, int64_t n) {
          if (row[lane] < 0) return set1(__builtin_nanf(""));
          return load_some(table + row[lane] * p.columns + d, n);
        },
        a.f32(3) + t * p.columns * kLanes);
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

// One thread alone: a few thousand numbers take microseconds.
void embedding_rows(const KernelArgs& a) {
  const auto& p = a.as<EmbeddingParams>();
  int32_t *list = a.i32(1), *rows = list + kListedRows, *places = a.i32(2);
  for (int32_t i = 0; i < list[kListedBatch]; ++i) places[rows[i]] = 0;
  int32_t n = 0;
  for (int64_t shard = 0; shard < a.step->shards; ++shard) {
    const float* ids = a.f32(0) + shard * a.stride[0];
    const int64_t live = a.live(shard);
    for (int64_t t = 0; t < p.positions; ++t)
      for (int64_t l = 0; l < live; ++l) {
        const int64_t row = row_of(ids[t * a.lanes + l], p.rows);
        if (row < 0 || places[row]) continue;
        rows[n] = static_cast<int32_t>(row);
        places[row] = ++n;
      }
  }
  list[kListedBatch] = n;
  const int64_t turn = a.step->index % kListedWithin;
  for (int64_t row = cut(p.rows, kListedWithin, turn); row < cut(p.rows, kListedWithin, turn + 1);
       ++row)
    if (!places[row]) rows[n++] = static_cast<int32_t>(row);
  list[kListedAll] = n;
}

void embedding_backward_rows(const KernelArgs& a) {
  const auto& p = a.as<EmbeddingParams>();
  const int64_t first = a.begin * kEmbeddingColumns,
                last = least(a.end * kEmbeddingColumns, p.columns);
  const int32_t* places = a.i32(2);
  int32_t seen = 0;  // rows are listed in the order in which they are met here
  for (int64_t shard = 0; shard < a.step->shards; ++shard) {
    const int64_t live = a.live(shard);
    for (int64_t t = 0; t < p.positions; ++t) {
      const float* ids = a.f32(0) + shard * a.stride[0] + t * a.lanes;
      const float* dy = a.f32(1) + shard * a.stride[1] + t * p.columns * a.lanes;
      float* sums[kLanes] = {};
      bool fresh[kLanes];
      for (int64_t l = 0; l < live; ++l) {
        const int64_t row = row_of(ids[l], p.rows);
        if (row < 0) continue;
        sums[l] = a.f32(3) + (places[row] - 1) * p.columns;
        fresh[l] = places[row] > seen;
        seen += fresh[l];
      }
      const auto add = [&](int lane, int64_t d, int64_t n, Vec values) {
        float* sum = sums[lane];
        if (!sum) return;
        store_some(sum + d, n, (fresh[lane] ? zero() : load_some(sum + d, n)) + values);
      };
      if (a.lanes > 1) {
        from_lanes(first, last, dy, add);
        continue;
      }
      for (int64_t d = first; d < last; d += kWidth) {
        const int64_t n = least(kWidth, last - d);
        add(0, d, n, load_some(dy + d, n));
      }
    }
  }
}

}  // namespace convnet::CONVNET_ISA
