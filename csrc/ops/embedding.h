#pragma once

#include <cstdint>

namespace convnet {

// ids [positions][16], table [rows][columns] -> [positions][columns][16].
struct EmbeddingParams {
  int64_t positions, rows, columns;
};

constexpr int64_t kEmbeddingPositions = 8;  // of a forward unit
constexpr int64_t kEmbeddingRows = 64;      // of a backward unit
constexpr int64_t kEmbeddingColumns = 16;   // of a backward unit for the rows of a batch alone

// The rows of a table that a step goes to, as int32: how many the batch looks up, how many there
// are in all, and their numbers.
constexpr int64_t kListedBatch = 0, kListedAll = 1, kListedRows = 2;
// Each row is listed once in so many steps of a run, whether a batch looks it up or not.
constexpr int64_t kListedWithin = 256;

}  // namespace convnet
