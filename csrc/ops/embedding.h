#pragma once

#include <cstdint>

namespace convnet {

// ids [positions][16], table [rows][columns] -> [positions][columns][16].
struct EmbeddingParams {
  int64_t positions, rows, columns;
};

constexpr int64_t kEmbeddingPositions = 8;  // of a forward unit
constexpr int64_t kEmbeddingRows = 64;      // of a backward unit

}  // namespace convnet
