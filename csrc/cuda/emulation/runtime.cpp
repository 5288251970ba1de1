// The backend's memory, streams and recorded steps on the host. Memory is filled with NaNs, so that
// what a kernel reads before anything was written there shows.
#include "cuda/runtime.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

constexpr size_t kMemory = size_t{1} << 32;

using Recorded = std::vector<std::function<void()>>;

struct EmulatedStream {
  bool recording = false;
  Recorded work;
};

EmulatedStream& of(Stream stream) { return *static_cast<EmulatedStream*>(stream); }

const char* error() { return "more than the 4 GiB of the emulated device"; }
int devices() { return 1; }
Status describe(int, Device* result) {
  std::snprintf(result->name, sizeof result->name, "emulation");
  result->memory = result->free = kMemory;
  result->major = 8, result->minor = 0;
  return Status::ok;
}
Status select(int) { return Status::ok; }

Status allocate(void** memory, size_t bytes) {
  if (bytes > kMemory) return Status::out_of_memory;
  *memory = std::malloc(bytes ? bytes : 1);
  std::memset(*memory, 0xff, bytes);
  return Status::ok;
}
void release(void* memory) { std::free(memory); }

Status create_stream(Stream* stream) {
  *stream = new EmulatedStream;
  return Status::ok;
}
void destroy_stream(Stream stream) { delete &of(stream); }

Status copy(void* to, const void* from, size_t bytes, Stream stream) {
  enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return Status::ok;
}
Status clear(void* device, size_t bytes, Stream stream) {
  enqueue(stream, [=] { std::memset(device, 0, bytes); });
  return Status::ok;
}
Status synchronize(Stream) { return Status::ok; }

Status begin_capture(Stream stream) {
  of(stream).recording = true;
  return Status::ok;
}
Status end_capture(Stream stream, void** graph) {
  of(stream).recording = false;
  *graph = new Recorded(std::move(of(stream).work));
  of(stream).work.clear();
  return Status::ok;
}
Status replay(void* graph, Stream stream) {
  for (const auto& work : *static_cast<Recorded*>(graph)) enqueue(stream, work);
  return Status::ok;
}
void destroy_graph(void* graph) { delete static_cast<Recorded*>(graph); }

}  // namespace

void enqueue(Stream stream, std::function<void()> work) {
  if (of(stream).recording)
    of(stream).work.push_back(std::move(work));
  else
    work();
}

Backend runtime() {
  Backend backend{};
  backend.kind = "emulation";
  backend.error = error;
  backend.devices = devices;
  backend.describe = describe;
  backend.select = select;
  backend.allocate = allocate;
  backend.release = release;
  backend.create_stream = create_stream;
  backend.destroy_stream = destroy_stream;
  backend.upload = copy;
  backend.download = copy;
  backend.clear = clear;
  backend.synchronize = synchronize;
  backend.begin_capture = begin_capture;
  backend.end_capture = end_capture;
  backend.replay = replay;
  backend.destroy_graph = destroy_graph;
  return backend;
}

}  // namespace convnet::cuda
