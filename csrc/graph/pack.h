// Places in one block of memory for values that are not all needed at the same time.
#pragma once

#include <cstddef>
#include <vector>

#include "graph/graph.h"

namespace convnet {

// Memory that is needed from `first` to `last`, both included.
struct Life {
  ValueId value;
  size_t bytes;
  int first, last;
  size_t offset = 0;  // where it was put
};

// Largest first, each at the lowest offset that is free while it lives. Returns the bytes needed.
size_t pack(std::vector<Life>& lives);

}  // namespace convnet
