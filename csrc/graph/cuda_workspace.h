// What a plan for the GPU needs from its first run on: memory for values, copies of what it is
// bound to, buffers for the data of steps.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "core/cuda_library.h"
#include "graph/cuda_plan.h"
#include "graph/mirror.h"

namespace convnet {

inline size_t align_on_gpu(size_t n) {
  constexpr size_t kAlign = 256;
  return (n + kAlign - 1) / kAlign * kAlign;
}

// Makes memory hold so many bytes; what was in it is lost.
template <class Memory>
char* make_room(Memory& memory, size_t bytes) {
  if (memory.bytes() < bytes || !memory.get()) {
    memory = {};
    memory = Memory(align_on_gpu(bytes + bytes / 4 + 1));
  }
  return memory.get();
}

// The data of a chunk of steps on its way to the device, and their results on the way back.
struct ChunkBuffer {
  PinnedMemory sent, fetched;
  DeviceMemory received, results;
  CudaEvent arrived, done;
};

class CudaWorkspace {
 public:
  explicit CudaWorkspace(const CudaPlan& plan);
  ~CudaWorkspace();

  cuda::Chunk* chunk() const { return reinterpret_cast<cuda::Chunk*>(state.get()); }
  cuda::Step* step() const {
    return reinterpret_cast<cuda::Step*>(state.get() + align_on_gpu(sizeof(cuda::Chunk)));
  }
  // Forgets recorded steps: they hold what has changed.
  void forget();

  const DeviceMemory memory, state;
  const CudaStream stream, copies;  // of kernels, of data on its way to them
  ChunkBuffer chunks[2];
  int64_t steps_of_chunk = 4, most_steps_of_chunk = 256;

  std::vector<void*> bound;                      // what the caller has bound
  std::vector<std::shared_ptr<Mirror>> mirrors;  // by binding; null where copies travel
  std::vector<void*> on_device;                  // the copies
  DeviceMemory travelling;                       // those without a mirror, and on the host
  PinnedMemory travelling_host;
  std::vector<size_t> offsets;  // of those, by binding

  std::vector<Feed> feeds;          // of the last run, for their types
  std::map<int64_t, void*> graphs;  // recorded steps by size of batch
  std::deque<CudaTimer> timers;     // in the steps that are timed: before each launch, and behind
};

}  // namespace convnet
