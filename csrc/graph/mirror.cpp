#include "graph/mirror.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

namespace convnet {

namespace {

// Copies of the same memory on several GPUs, or of parts of it, are kept the same by way of the
// host.
struct Registry {
  std::recursive_mutex mutex;
  std::vector<Mirror*> all;
  std::vector<std::weak_ptr<Mirror>> shared;
  std::map<int, CudaStream> streams;  // by GPU
  std::atomic<size_t> count{0};
};
// Lives for good: plans may outlive what is destroyed when the process ends.
Registry& registry() {
  static auto* registry = new Registry;
  return *registry;
}

}  // namespace

Mirror::Mirror(HostRange host, int gpu) : host_(host), gpu_(gpu), memory_(host.bytes) {
  std::lock_guard lock(registry().mutex);
  registry().all.push_back(this);
  ++registry().count;
}

Mirror::~Mirror() {
  std::lock_guard lock(registry().mutex);
  try {
    bring_back();
  } catch (
      const std::exception&) {  // the device has failed, or is a parent's: nothing can be saved
  }
  std::erase(registry().all, this);
  --registry().count;
}

void Mirror::bring_back() {
  if (!host_is_old_) return;
  const OnGpu on(gpu_);
  const CudaStream& stream = registry().streams[gpu_];
  stream.download(host_.begin, memory_.get(), host_.bytes);
  stream.synchronize();
  host_is_old_ = false;
}

void Mirror::refresh() {
  std::lock_guard lock(registry().mutex);
  for (Mirror* other : registry().all)
    if (other != this && other->host_.meets(host_) && other->host_is_old_) {
      other->bring_back();
      copy_is_old_ = true;
    }
  if (!copy_is_old_) return;
  const OnGpu on(gpu_);
  const CudaStream& stream = registry().streams[gpu_];
  stream.upload(memory_.get(), host_.begin, host_.bytes);
  stream.synchronize();
  copy_is_old_ = false;
}

void Mirror::written() {
  std::lock_guard lock(registry().mutex);
  host_is_old_ = !copy_is_old_;  // what the host has written meanwhile counts
  for (Mirror* other : registry().all)
    if (other != this && other->host_.meets(host_)) other->copy_is_old_ = true;
}

std::shared_ptr<Mirror> mirror_of(HostRange host, int gpu) {
  std::lock_guard lock(registry().mutex);
  std::erase_if(registry().shared, [](const auto& mirror) { return mirror.expired(); });
  for (const auto& candidate : registry().shared)
    if (auto mirror = candidate.lock(); mirror && mirror->gpu_ == gpu && mirror->host_.holds(host))
      return mirror;
  const OnGpu on(gpu);
  auto mirror = std::make_shared<Mirror>(host, gpu);
  registry().shared.push_back(mirror);
  return mirror;
}

bool mirrors_exist() { return registry().count > 0; }

void fetch(HostRange host, bool to_write) {
  if (!mirrors_exist()) return;
  std::lock_guard lock(registry().mutex);
  for (Mirror* mirror : registry().all) {
    if (!mirror->host_.meets(host)) continue;
    mirror->bring_back();
    if (to_write) mirror->copy_is_old_ = true;
  }
}

void host_has_written(HostRange host) {
  if (!mirrors_exist()) return;
  std::lock_guard lock(registry().mutex);
  for (Mirror* mirror : registry().all)
    if (mirror->host_.meets(host)) mirror->copy_is_old_ = true, mirror->host_is_old_ = false;
}

}  // namespace convnet
