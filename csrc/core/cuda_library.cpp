#include "core/cuda_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <utility>

namespace convnet {

namespace {

std::mutex mutex;
std::string& default_path() {
  static std::string path;
  return path;
}

std::string megabytes(size_t bytes) { return std::to_string((bytes + (1 << 19)) >> 20) + " MB"; }

const cuda::Backend* open(const std::string& path) {
  if (path.empty())
    throw NoCuda(
        "This build of convnet has no GPU library. Build it where nvcc is installed, with "
        "CONVNET_CUDA=ON.");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw NoCuda(std::string("The GPU library cannot be opened: ") + dlerror());
  using Entry = const cuda::Backend* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(library, "convnet_cuda_backend"));
  const cuda::Backend* backend = entry ? entry() : nullptr;
  if (!backend || backend->version != cuda::kBackendVersion)
    throw NoCuda("The GPU library " + path + " belongs to another version of convnet.");
  return backend;
}

}  // namespace

void set_cuda_library(std::string path) {
  std::lock_guard lock(mutex);
  default_path() = std::move(path);
}

const cuda::Backend& cuda_backend() {
  static const cuda::Backend* backend = nullptr;
  std::lock_guard lock(mutex);
  if (!backend) {
    const char* named = std::getenv("CONVNET_CUDA_LIBRARY");
    backend = open(named && *named ? named : default_path());
  }
  if (backend->driver == 0 && backend->runtime != 0)
    throw NoCuda("There is no NVIDIA driver: install one to use a GPU.");
  if (backend->devices() == 0)
    throw NoCuda(std::string("No GPU was found. ") + backend->error());
  return *backend;
}

void check(cuda::Status status, size_t asked) {
  if (status == cuda::Status::ok) return;
  const cuda::Backend& backend = cuda_backend();
  if (status == cuda::Status::failed) throw std::runtime_error(backend.error());
  cuda::Device device{};
  backend.describe(0, &device);
  throw OutOfDeviceMemory("The GPU has no memory left: asked for " + megabytes(asked) + ", " +
                          megabytes(device.free) + " of " + megabytes(device.memory) +
                          " are free.");
}

DeviceMemory::DeviceMemory(size_t bytes) : bytes_(bytes) {
  void* data = nullptr;
  check(cuda_backend().allocate(&data, bytes), bytes);
  data_ = static_cast<char*>(data);
}

DeviceMemory::~DeviceMemory() {
  if (data_) cuda_backend().release(data_);
}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace convnet
