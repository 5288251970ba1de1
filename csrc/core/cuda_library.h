// libconvnet_cuda, opened when a GPU is first asked for.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "cuda/backend.h"

namespace convnet {

// There is no GPU to be had: the message says what is missing.
struct NoCuda : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The device has no memory left.
class OutOfDeviceMemory : public std::bad_alloc {
 public:
  explicit OutOfDeviceMemory(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

// Where the library is, unless CONVNET_CUDA_LIBRARY names another file.
void set_cuda_library(std::string path);
// Opens the library if need be; throws NoCuda.
const cuda::Backend& cuda_backend();
// Throws where the status is not ok; `asked`: bytes that were asked for.
void check(cuda::Status status, size_t asked = 0);

// Memory on the device that the calling thread has selected.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(size_t bytes);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept { *this = std::move(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;

  char* get() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  char* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace convnet
