// An array in a GPU's memory: what is fed from there, and results that stay there.
#pragma once

#include <memory>

#include "core/cuda_library.h"
#include "core/shape.h"

namespace convnet {

size_t bytes_of(FeedType type);

struct DeviceArray {
  std::shared_ptr<const void> owner;  // of the memory
  char* data = nullptr;
  Dims shape;
  FeedType type = FeedType::f32;
  int gpu = 0;

  size_t bytes() const { return static_cast<size_t>(numel(shape)) * bytes_of(type); }
};

// A new one; what is in it is undefined.
DeviceArray device_array(Dims shape, FeedType type, int gpu);
void upload(const DeviceArray& array, const void* host);
void download(const DeviceArray& array, void* host);

}  // namespace convnet
