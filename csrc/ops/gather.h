#pragma once

#include <cstdint>

namespace convnet {

struct GatherParams {
  int32_t feed;
  int64_t features, block;  // a unit is `block` features
  bool whole;               // a result of the whole batch, not of a sample
  bool group;               // a call goes through many shards
};

}  // namespace convnet
