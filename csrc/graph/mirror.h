// Copies on GPUs of memory that the caller owns: weights, gradients, slots of optimizers, states.
// They are sent when the host has changed them, and brought back when the host asks for them.
#pragma once

#include <cstddef>
#include <memory>

#include "core/cuda_library.h"

namespace convnet {

struct HostRange {
  char* begin = nullptr;
  size_t bytes = 0;

  bool holds(const HostRange& other) const {
    return begin <= other.begin && other.begin + other.bytes <= begin + bytes;
  }
  bool meets(const HostRange& other) const {
    return begin < other.begin + other.bytes && other.begin < begin + bytes;
  }
};

// The copy of one block on one GPU, shared by all plans that are bound to parts of it. The host's
// memory must live as long; it is brought up to date in the end.
class Mirror {
 public:
  Mirror(HostRange host, int gpu);
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  char* at(const void* host) const {
    return memory_.get() + (static_cast<const char*>(host) - host_.begin);
  }
  // Before kernels run: makes the copy what the host, or another GPU, has.
  void refresh();
  // Kernels have written to the copy.
  void written();

 private:
  friend std::shared_ptr<Mirror> mirror_of(HostRange, int);
  friend void fetch(HostRange, bool);
  friend void host_has_written(HostRange);
  void bring_back();

  const HostRange host_;
  const int gpu_;
  const DeviceMemory memory_;
  bool host_is_old_ = false;
  bool copy_is_old_ = true;
};

// The copy that holds a range; one that is there, or a new one.
std::shared_ptr<Mirror> mirror_of(HostRange host, int gpu);

bool mirrors_exist();
// To be called before the host reads memory that plans are bound to, or writes it: brings back what
// GPUs have changed.
void fetch(HostRange host, bool to_write);
// To be called after that, in case that a run has begun in between.
void host_has_written(HostRange host);

}  // namespace convnet
