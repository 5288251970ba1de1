#include "core/cuda_library.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

namespace convnet {

namespace {

std::mutex mutex;
std::atomic<const cuda::Backend*> opened{nullptr};
std::atomic<bool> forked{false};  // after the library was opened

std::string& default_path() {
  static std::string path;
  return path;
}

std::string path_of_library() {
  const char* named = std::getenv("CONVNET_CUDA_LIBRARY");
  return named && *named ? named : default_path();
}

std::string text_of(size_t bytes) {
  const bool large = bytes >= size_t{1} << 20;
  return std::to_string(((bytes >> (large ? 19 : 9)) + 1) >> 1) + (large ? " MB" : " KB");
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

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

void look_for_gpus(const cuda::Backend& backend) {
  if (backend.driver == 0 && backend.runtime != 0)
    throw NoCuda("There is no NVIDIA driver: install one to use a GPU.");
  if (backend.devices() > 0) return;
  if (backend.driver < backend.runtime)
    throw NoCuda("The NVIDIA driver is too old: it knows CUDA " + version_text(backend.driver) +
                 ", the GPU library needs " + version_text(backend.runtime) +
                 ". Install a newer driver.");
  throw NoCuda(std::string("No GPU was found: ") + backend.error() +
               ". See whether `nvidia-smi` lists one and CUDA_VISIBLE_DEVICES does not hide it.");
}

}  // namespace

void set_cuda_library(std::string path) {
  std::lock_guard lock(mutex);
  default_path() = std::move(path);
}

std::string cuda_library() {
  std::lock_guard lock(mutex);
  return path_of_library();
}

const cuda::Backend& cuda_backend() {
  if (forked)
    throw NoCuda(
        "This process was forked from one that had used the GPU, which CUDA does not allow: start "
        "it with multiprocessing's method 'spawn', or use the GPU in one of the two only.");
  if (const cuda::Backend* backend = opened) return *backend;
  std::lock_guard lock(mutex);
  if (!opened) {
    const cuda::Backend* backend = open(path_of_library());
    look_for_gpus(*backend);
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
    opened = backend;
  }
  return *opened;
}

bool cuda_usable() { return opened && !forked; }

void check_gpu(int gpu) {
  const int found = cuda_backend().devices();
  if (gpu >= found)
    throw NoCuda("There is no GPU number " + std::to_string(gpu) + ": " + std::to_string(found) +
                 (found == 1 ? " was found." : " were found."));
}

void check(cuda::Status status, size_t asked) {
  if (status == cuda::Status::ok) return;
  const cuda::Backend& backend = cuda_backend();
  if (status == cuda::Status::failed) throw std::runtime_error(backend.error());
  int gpu = 0;
  backend.select(-1, &gpu);
  cuda::Device device{};
  backend.describe(gpu, &device);
  throw OutOfDeviceMemory("The GPU has no memory left: asked for " + text_of(asked) + ", " +
                          text_of(device.free) + " of " + text_of(device.memory) + " are free.");
}

template <bool pinned>
OwnedMemory<pinned>::OwnedMemory(size_t bytes) : bytes_(bytes) {
  const cuda::Backend& backend = cuda_backend();
  void* data = nullptr;
  if constexpr (pinned) {
    if (backend.allocate_pinned(&data, bytes) != cuda::Status::ok)
      throw OutOfDeviceMemory("The host has no memory left that a GPU can read: asked for " +
                              text_of(bytes) + ".");
  } else {
    check(backend.allocate(&data, bytes), bytes);
  }
  data_ = static_cast<char*>(data);
}

template <bool pinned>
OwnedMemory<pinned>::~OwnedMemory() {
  if (data_ && cuda_usable())
    (pinned ? cuda_backend().release_pinned : cuda_backend().release)(data_);
}

template class OwnedMemory<false>;
template class OwnedMemory<true>;

}  // namespace convnet
