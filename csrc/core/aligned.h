// Zeroed memory on 64-byte boundaries.
#pragma once

#include <cstddef>
#include <memory>

namespace convnet {

struct AlignedFree {
  size_t mapped = 0;  // bytes that come from the system directly
  void operator()(void* p) const;
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedFree>;

// Throws std::bad_alloc. Large blocks ask for huge pages, and take memory as they are touched.
// Counted by `allocations`.
AlignedBytes aligned_zeros(size_t bytes);

// Number of blocks handed out so far: a test holds the training loop to none per step.
size_t allocations();

}  // namespace convnet
