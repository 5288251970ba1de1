#pragma once

#include <cstdint>

namespace convnet {

struct ClipValueParams {
  int64_t size, block;  // block: elements of a unit, as for optimizers
  float value;
};

// Behind the block, for each of `variables` pieces of a flat buffer: begin, end, index of its first
// block; then the end of all.
struct ClipNormParams {
  int64_t variables;
  float limit;
  bool global;  // one norm over everything, and not a number where that is infinite
};

constexpr int64_t kNormBlock = 1024;  // elements whose squares are summed at once

}  // namespace convnet
