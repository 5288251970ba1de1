#pragma once

#include <cstdint>

namespace convnet {

// x [outer][H][W][C] -> y [outer][OH][OW][C]; winners, of max pooling: [outer][OH][OW][KH * KW][C].
struct PoolParams {
  int64_t outer, H, W, C, OH, OW, KH, KW;
  int64_t sy, sx, top, left;
};

}  // namespace convnet
