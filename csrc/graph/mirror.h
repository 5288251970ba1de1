// Copies on the GPU of memory that the caller owns: weights, slots of optimizers, states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/cuda_library.h"

namespace convnet {

// The copy of one block of host memory, shared by all plans that are bound to parts of it.
struct Mirror {
  Mirror(char* host, size_t bytes) : host(host), memory(bytes) {}
  bool holds(const char* begin, size_t bytes) const {
    return host <= begin && begin + bytes <= host + memory.bytes();
  }

  char* const host;
  const DeviceMemory memory;
  uint64_t version = 0;  // of the weights when both sides were last the same
};

struct HostRange {
  char* begin;
  size_t bytes;
};

// The mirrors that hold these ranges, those that overlap in one; existing ones where there are.
std::vector<std::shared_ptr<Mirror>> mirrors_of(std::vector<HostRange> ranges);

}  // namespace convnet
