// The backend's memory, streams and recorded steps on the host. Memory is filled with NaNs, so that
// what a kernel reads before anything was written there shows. Work in a stream is put off until
// somebody waits for it, so that a wait that is missing shows as well.
// CONVNET_EMULATION_MEMORY: bytes that the device has.
#include "cuda/runtime.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

using Work = std::function<void()>;
using Recorded = std::vector<Work>;

struct EmulatedStream {
  bool recording = false;
  Recorded recorded;
  std::deque<Work> queue;
  uint64_t queued = 0, done = 0;
};
using SharedStream = std::shared_ptr<EmulatedStream>;

struct EmulatedEvent {
  SharedStream stream;
  uint64_t at = 0;  // work of the stream that is before it
  std::chrono::steady_clock::time_point time;
};

std::recursive_mutex mutex;
std::set<SharedStream> streams;
std::map<void*, size_t> blocks, pinned;  // by where they begin
size_t used = 0;

EmulatedStream& of(Stream stream) { return **static_cast<SharedStream*>(stream); }
EmulatedEvent& event_of(Event event) { return *static_cast<EmulatedEvent*>(event); }

void run_until(EmulatedStream& stream, uint64_t at) {
  while (stream.done < at && !stream.queue.empty()) {
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    ++stream.done;
    work();
  }
}

void run_all() {
  for (const SharedStream& stream : streams) run_until(*stream, stream->queued);
}

size_t memory_in_all() {
  const char* limit = std::getenv("CONVNET_EMULATION_MEMORY");
  return limit ? std::strtoull(limit, nullptr, 10) : size_t{1} << 32;
}
size_t memory_free() { return memory_in_all() - std::min(used, memory_in_all()); }

const char* error() { return "the emulated device is full"; }
int devices() { return 1; }
Status describe(int, Device* result) {
  std::lock_guard lock(mutex);
  std::snprintf(result->name, sizeof result->name, "emulation");
  result->memory = memory_in_all(), result->free = memory_free();
  result->major = 9, result->minor = 0;
  return Status::ok;
}
Status select(int, int* before) {
  *before = 0;
  return Status::ok;
}

int device_of(const void*) { return 0; }

Status allocate(void** memory, size_t bytes) {
  std::lock_guard lock(mutex);
  if (bytes > memory_free()) return Status::out_of_memory;
  *memory = std::malloc(bytes ? bytes : 1);
  std::memset(*memory, 0xff, bytes);
  blocks[*memory] = bytes;
  used += bytes;
  return Status::ok;
}
void release(void* memory) {
  std::lock_guard lock(mutex);
  run_all();
  used -= blocks.at(memory);
  blocks.erase(memory);
  std::free(memory);
}

Status allocate_pinned(void** memory, size_t bytes) {
  std::lock_guard lock(mutex);
  *memory = std::malloc(bytes ? bytes : 1);
  pinned[*memory] = bytes;
  return Status::ok;
}
void release_pinned(void* memory) {
  std::lock_guard lock(mutex);
  run_all();
  pinned.erase(memory);
  std::free(memory);
}
bool is_pinned(const void* memory) {
  auto it = pinned.upper_bound(const_cast<void*>(memory));
  if (it == pinned.begin()) return false;
  --it;
  return memory < static_cast<char*>(it->first) + it->second;
}

Status create_stream(Stream* stream) {
  std::lock_guard lock(mutex);
  *stream = new SharedStream(*streams.insert(std::make_shared<EmulatedStream>()).first);
  return Status::ok;
}
void destroy_stream(Stream stream) {
  std::lock_guard lock(mutex);
  run_until(of(stream), of(stream).queued);
  auto* handle = static_cast<SharedStream*>(stream);
  streams.erase(*handle);
  delete handle;
}

Status create_event(Event* event) {
  *event = new EmulatedEvent;
  return Status::ok;
}
void destroy_event(Event event) { delete &event_of(event); }
Status record(Event event, Stream stream) {
  std::lock_guard lock(mutex);
  event_of(event) = {*static_cast<SharedStream*>(stream), of(stream).queued, {}};
  return Status::ok;
}
Status wait(Stream stream, Event event) {
  enqueue(stream, [before = event_of(event)] {
    if (before.stream) run_until(*before.stream, before.at);
  });
  return Status::ok;
}
Status synchronize_event(Event event) {
  std::lock_guard lock(mutex);
  const EmulatedEvent before = event_of(event);
  if (before.stream) run_until(*before.stream, before.at);
  return Status::ok;
}
Status record_timer(Event timer, Stream stream) {
  if (!of(stream).recording) return Status::failed;
  enqueue(stream, [timer] { event_of(timer).time = std::chrono::steady_clock::now(); });
  return Status::ok;
}
Status elapsed(Event from, Event to, float* milliseconds) {
  const std::chrono::duration<float, std::milli> taken = event_of(to).time - event_of(from).time;
  *milliseconds = taken.count();
  return Status::ok;
}
// Streams of other libraries are small numbers: what is in them runs at once.
Status synchronize(Stream stream) {
  std::lock_guard lock(mutex);
  if (reinterpret_cast<uintptr_t>(stream) > 2) run_until(of(stream), of(stream).queued);
  return Status::ok;
}

// As CUDA does, takes what is not pinned before it returns.
Status upload(void* device, const void* host, size_t bytes, Stream stream) {
  std::lock_guard lock(mutex);
  if (is_pinned(host)) {
    enqueue(stream, [=] { std::memcpy(device, host, bytes); });
    return Status::ok;
  }
  const auto* begin = static_cast<const char*>(host);
  enqueue(stream, [device, copy = std::vector<char>(begin, begin + bytes)] {
    std::memcpy(device, copy.data(), copy.size());
  });
  return Status::ok;
}
Status download(void* host, const void* device, size_t bytes, Stream stream) {
  std::lock_guard lock(mutex);
  enqueue(stream, [=] { std::memcpy(host, device, bytes); });
  return is_pinned(host) ? Status::ok : synchronize(stream);
}
Status clear(void* device, size_t bytes, Stream stream) {
  enqueue(stream, [=] { std::memset(device, 0, bytes); });
  return Status::ok;
}

Status begin_capture(Stream stream) {
  of(stream).recording = true;
  return Status::ok;
}
Status end_capture(Stream stream, void** graph) {
  of(stream).recording = false;
  *graph = new Recorded(std::move(of(stream).recorded));
  of(stream).recorded.clear();
  return Status::ok;
}
Status replay(void* graph, Stream stream) {
  for (const Work& work : *static_cast<Recorded*>(graph)) enqueue(stream, work);
  return Status::ok;
}
void destroy_graph(void* graph) { delete static_cast<Recorded*>(graph); }

}  // namespace

void enqueue(Stream stream, std::function<void()> work) {
  std::lock_guard lock(mutex);
  EmulatedStream& to = of(stream);
  if (to.recording) {
    to.recorded.push_back(std::move(work));
  } else {
    to.queue.push_back(std::move(work));
    ++to.queued;
  }
}

Aside::Aside() : mode_(0), failed_(0) {}
Aside::~Aside() = default;

Backend runtime() {
  Backend backend{};
  backend.kind = "emulation";
  backend.error = error;
  backend.devices = devices;
  backend.describe = describe;
  backend.select = select;
  backend.device_of = device_of;
  backend.allocate = allocate;
  backend.release = release;
  backend.allocate_pinned = allocate_pinned;
  backend.release_pinned = release_pinned;
  backend.create_stream = create_stream;
  backend.destroy_stream = destroy_stream;
  backend.create_event = create_event;
  backend.destroy_event = destroy_event;
  backend.record = record;
  backend.wait = wait;
  backend.synchronize_event = synchronize_event;
  backend.create_timer = create_event;
  backend.record_timer = record_timer;
  backend.elapsed = elapsed;
  backend.upload = upload;
  backend.download = download;
  backend.clear = clear;
  backend.synchronize = synchronize;
  backend.begin_capture = begin_capture;
  backend.end_capture = end_capture;
  backend.replay = replay;
  backend.destroy_graph = destroy_graph;
  return backend;
}

}  // namespace convnet::cuda
