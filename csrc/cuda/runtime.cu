#include "cuda/runtime.h"

#include <cuda_runtime.h>

#include <cstdio>

namespace convnet::cuda {

namespace {

thread_local char message[512] = "";

Status check(cudaError_t result, const char* what) {
  if (result == cudaSuccess) return Status::ok;
  std::snprintf(message, sizeof message, "%s: %s", what, cudaGetErrorString(result));
  cudaGetLastError();  // an error that was reported does not come back
  return result == cudaErrorMemoryAllocation ? Status::out_of_memory : Status::failed;
}

cudaStream_t stream_of(Stream stream) { return static_cast<cudaStream_t>(stream); }

const char* error() { return message; }

int devices() {
  int count = 0;
  return check(cudaGetDeviceCount(&count), "counting devices") == Status::ok ? count : 0;
}

Status select(int device, int* before) {
  const Status status = check(cudaGetDevice(before), "asking for the device in use");
  if (status != Status::ok || device < 0 || device == *before) return status;
  return check(cudaSetDevice(device), "selecting the device");
}

Status describe(int device, Device* result) {
  cudaDeviceProp properties;
  Status status = check(cudaGetDeviceProperties(&properties, device), "asking for the device");
  if (status != Status::ok) return status;
  std::snprintf(result->name, sizeof result->name, "%s", properties.name);
  result->major = properties.major, result->minor = properties.minor;
  int before = 0;
  status = select(device, &before);
  if (status == Status::ok)
    status = check(cudaMemGetInfo(&result->free, &result->memory), "asking for free memory");
  cudaSetDevice(before);
  return status;
}

int device_of(const void* memory) {
  cudaPointerAttributes found;
  if (check(cudaPointerGetAttributes(&found, memory), "asking for a pointer") != Status::ok)
    return -1;
  return found.type == cudaMemoryTypeDevice || found.type == cudaMemoryTypeManaged ? found.device
                                                                                   : -1;
}

Status allocate(void** memory, size_t bytes) {
  return check(cudaMalloc(memory, bytes), "allocating memory");
}
void release(void* memory) { cudaFree(memory); }
Status allocate_pinned(void** memory, size_t bytes) {
  return check(cudaMallocHost(memory, bytes), "allocating memory of the host");
}
void release_pinned(void* memory) { cudaFreeHost(memory); }

Status create_stream(Stream* stream) {
  cudaStream_t made;
  const Status status =
      check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "making a stream");
  *stream = made;
  return status;
}
void destroy_stream(Stream stream) { cudaStreamDestroy(stream_of(stream)); }

Status create_event(Event* event, unsigned flags) {
  cudaEvent_t made;
  const Status status = check(cudaEventCreateWithFlags(&made, flags), "making an event");
  *event = made;
  return status;
}
Status create_event(Event* event) { return create_event(event, cudaEventDisableTiming); }
void destroy_event(Event event) { cudaEventDestroy(static_cast<cudaEvent_t>(event)); }
Status record(Event event, Stream stream) {
  return check(cudaEventRecord(static_cast<cudaEvent_t>(event), stream_of(stream)),
               "recording an event");
}
Status wait(Stream stream, Event event) {
  return check(cudaStreamWaitEvent(stream_of(stream), static_cast<cudaEvent_t>(event), 0),
               "waiting for an event");
}
Status synchronize_event(Event event) {
  return check(cudaEventSynchronize(static_cast<cudaEvent_t>(event)), "running kernels");
}

Status create_timer(Event* timer) { return create_event(timer, cudaEventDefault); }
Status record_timer(Event timer, Stream stream) {
  return check(cudaEventRecordWithFlags(static_cast<cudaEvent_t>(timer), stream_of(stream),
                                        cudaEventRecordExternal),
               "recording a timer");
}
Status elapsed(Event from, Event to, float* milliseconds) {
  return check(cudaEventElapsedTime(milliseconds, static_cast<cudaEvent_t>(from),
                                    static_cast<cudaEvent_t>(to)),
               "reading a timer");
}

Status upload(void* device, const void* host, size_t bytes, Stream stream) {
  return check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream_of(stream)),
               "copying to the device");
}
Status download(void* host, const void* device, size_t bytes, Stream stream) {
  return check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream_of(stream)),
               "copying from the device");
}
Status clear(void* device, size_t bytes, Stream stream) {
  return check(cudaMemsetAsync(device, 0, bytes, stream_of(stream)), "clearing memory");
}
Status synchronize(Stream stream) {
  return check(cudaStreamSynchronize(stream_of(stream)), "running kernels");
}

Status begin_capture(Stream stream) {
  return check(cudaStreamBeginCapture(stream_of(stream), cudaStreamCaptureModeThreadLocal),
               "recording a step");
}

Status end_capture(Stream stream, void** graph) {
  cudaGraph_t recorded = nullptr;
  Status status = check(cudaStreamEndCapture(stream_of(stream), &recorded), "recording a step");
  if (status == Status::ok) status = check(cudaGetLastError(), "launching a kernel");
  cudaGraphExec_t ready = nullptr;
  if (status == Status::ok)
    status = check(cudaGraphInstantiate(&ready, recorded, 0), "preparing a recorded step");
  if (recorded) cudaGraphDestroy(recorded);
  *graph = ready;
  return status;
}

Status replay(void* graph, Stream stream) {
  return check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), stream_of(stream)),
               "running a recorded step");
}
void exchange(int& mode) {
  auto now = static_cast<cudaStreamCaptureMode>(mode);
  cudaThreadExchangeStreamCaptureMode(&now);
  mode = now;
}

void destroy_graph(void* graph) { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)); }

}  // namespace

Aside::Aside() : mode_(cudaStreamCaptureModeRelaxed), failed_(cudaPeekAtLastError()) {
  exchange(mode_);
}
Aside::~Aside() {
  exchange(mode_);
  if (failed_ == cudaSuccess) cudaGetLastError();
}

Backend runtime() {
  Backend backend{};
  backend.kind = "cuda";
  cudaRuntimeGetVersion(&backend.runtime);
  cudaDriverGetVersion(&backend.driver);
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
  backend.create_timer = create_timer;
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
