// libconvnet_cuda, opened when a GPU is first asked for, and what it hands out, owned.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <utility>

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
// The file that is, or would be, opened; empty where this build has none.
std::string cuda_library();
// Opens the library if need be; throws NoCuda.
const cuda::Backend& cuda_backend();
// Whether what the library handed out can still be given back: not in the child of a fork.
bool cuda_usable();
// Throws NoCuda unless there is a GPU of this number.
void check_gpu(int gpu);
// Throws where the status is not ok; `asked`: bytes that were asked for.
void check(cuda::Status status, size_t asked = 0);

// Selects a GPU for the calling thread, for as long as this lives.
class OnGpu {
 public:
  explicit OnGpu(int gpu) { check(cuda_backend().select(gpu, &before_)); }
  ~OnGpu() {
    int selected;
    cuda_backend().select(before_, &selected);
  }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;

 private:
  int before_ = 0;
};

// Memory on the device that the calling thread has selected, or of the host, which copies then read
// and write while the host goes on.
template <bool pinned>
class OwnedMemory {
 public:
  OwnedMemory() = default;
  explicit OwnedMemory(size_t bytes);
  ~OwnedMemory();
  OwnedMemory(OwnedMemory&& other) noexcept { *this = std::move(other); }
  OwnedMemory& operator=(OwnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  char* get() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  char* data_ = nullptr;
  size_t bytes_ = 0;
};
using DeviceMemory = OwnedMemory<false>;
using PinnedMemory = OwnedMemory<true>;

class CudaStream {
 public:
  CudaStream() { check(cuda_backend().create_stream(&stream_)); }
  ~CudaStream() {
    if (cuda_usable()) cuda_backend().destroy_stream(stream_);
  }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  operator cuda::Stream() const { return stream_; }
  void upload(void* device, const void* host, size_t bytes) const {
    if (bytes) check(cuda_backend().upload(device, host, bytes, stream_));
  }
  void download(void* host, const void* device, size_t bytes) const {
    if (bytes) check(cuda_backend().download(host, device, bytes, stream_));
  }
  void synchronize() const { check(cuda_backend().synchronize(stream_)); }

 private:
  cuda::Stream stream_ = nullptr;
};

class CudaEvent {
 public:
  CudaEvent() { check(cuda_backend().create_event(&event_)); }
  ~CudaEvent() {
    if (cuda_usable()) cuda_backend().destroy_event(event_);
  }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(const CudaStream& stream) const { check(cuda_backend().record(event_, stream)); }
  // What follows in the stream waits.
  void hold(const CudaStream& stream) const { check(cuda_backend().wait(stream, event_)); }
  void synchronize() const { check(cuda_backend().synchronize_event(event_)); }

 private:
  cuda::Event event_ = nullptr;
};

// Keeps, in each replay of the step in which it was recorded, when all before it was done.
class CudaTimer {
 public:
  CudaTimer() { check(cuda_backend().create_timer(&timer_)); }
  ~CudaTimer() {
    if (cuda_usable()) cuda_backend().destroy_event(timer_);
  }
  CudaTimer(const CudaTimer&) = delete;
  CudaTimer& operator=(const CudaTimer&) = delete;

  void record(const CudaStream& stream) const {
    check(cuda_backend().record_timer(timer_, stream));
  }
  int64_t nanoseconds_since(const CudaTimer& before) const {
    float milliseconds = 0;
    check(cuda_backend().elapsed(before.timer_, timer_, &milliseconds));
    return static_cast<int64_t>(milliseconds * 1e6F);
  }

 private:
  cuda::Event timer_ = nullptr;
};

}  // namespace convnet
