// What libconvnet and libconvnet_cuda agree on: tables of plain functions over raw pointers and POD
// arguments, so that neither is linked to the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/precision.h"
#include "cpu/kernel.h"
#include "cpu/kernel_table.h"

namespace convnet::cuda {

constexpr int kBackendVersion = 4;  // of everything in this header

using Stream = void*;
using Event = void*;

// Where the rows of an array are that samples are gathered from, or results go to.
struct Rows {
  char* data;
  const int64_t* order;  // row of each sample of the chunk; null: 0, 1, ...
};

// Of a chunk, steps whose data was sent together, in device memory.
struct Chunk {
  uint64_t seed, step;   // Philox key, and its counter at the first step
  uint64_t step_stride;  // of the counter, from step to step
  int64_t batch;         // samples of a whole step
  const Rows* rows;      // of each feed
  const double* hyper;   // [steps][hyper_count]
  int64_t hyper_count;
  int64_t steps;  // begun
};

// Of the step at hand, in device memory; written by `begin_step`.
struct Step {
  uint64_t seed, step;
  int64_t first;  // its first sample among those of the chunk
  const Rows* rows;
  const double* hyper;
};

// How matrices are multiplied.
struct Products {
  Precision precision;
  int rows, columns;  // of tiles, where they are forced; else 0
};

// One call: a pointer for each input, then for each output, all in device memory (null where an
// optional one is absent). Values that there is one of for each sample lie [sample][feature].
struct Call {
  const void* params;  // the op's parameter block, on the host
  void* const* data;
  const int64_t* stride;  // elements from sample to sample; 0 where there is one for all
  int64_t samples;        // of the step; 1 where nothing that the op touches has a batch
  int64_t batch;          // samples of the step
  const Step* step;
  const Feed* feeds;  // on the host, for their types: rows are where `step` says
  void* scratch;
  Stream stream;
  Products products;

  float* f32(int i) const { return static_cast<float*>(data[i]); }
  template <class P>
  const P& as() const {
    return *static_cast<const P*>(params);
  }
  template <class P>
  const int64_t* list() const {
    return reinterpret_cast<const int64_t*>(static_cast<const P*>(params) + 1);
  }
};
using Launch = void (*)(const Call&);

// Threads that probe multiply-adds, and independent chains of each.
constexpr int kProbeThreads = 1 << 20, kProbeChains = 16;

struct Device {
  char name[256];
  size_t memory, free;
  int major, minor;  // compute capability
};

enum class Status : int { ok, out_of_memory, failed };

// Functions that can fail say why in `error()`, which belongs to the calling thread.
struct Backend {
  int version;
  const char* kind;     // "cuda", or "emulation" for the one that tests use
  int runtime, driver;  // versions as CUDA counts them
  const char* (*error)();
  int (*devices)();
  Status (*describe)(int device, Device* result);
  // For the calling thread; a negative number only asks.
  Status (*select)(int device, int* before);
  int (*device_of)(const void* memory);  // -1: not in a device's memory
  Status (*allocate)(void** memory, size_t bytes);
  void (*release)(void* memory);
  // Host memory that copies read and write while the host goes on.
  Status (*allocate_pinned)(void** memory, size_t bytes);
  void (*release_pinned)(void* memory);
  Status (*create_stream)(Stream* stream);
  void (*destroy_stream)(Stream stream);
  Status (*create_event)(Event* event);
  void (*destroy_event)(Event event);
  Status (*record)(Event event, Stream stream);  // when all before it in the stream is done
  Status (*wait)(Stream stream, Event event);    // what follows in the stream waits
  Status (*synchronize_event)(Event event);      // the host waits
  // An event that keeps, in each replay of a recorded step, when all before it was done.
  Status (*create_timer)(Event* timer);
  Status (*record_timer)(Event timer, Stream stream);
  Status (*elapsed)(Event from, Event to, float* milliseconds);
  Status (*upload)(void* device, const void* host, size_t bytes, Stream stream);
  Status (*download)(void* host, const void* device, size_t bytes, Stream stream);
  Status (*clear)(void* device, size_t bytes, Stream stream);
  Status (*synchronize)(Stream stream);
  // What is launched between the two is recorded, not run.
  Status (*begin_capture)(Stream stream);
  Status (*end_capture)(Stream stream, void** graph);
  Status (*replay)(void* graph, Stream stream);
  void (*destroy_graph)(void* graph);
  void (*begin_step)(Chunk* chunk, Step* step, Stream stream);
  void (*probe_multiply_add)(float* out, int turns, Stream stream);
  void (*probe_copy)(const float* from, float* to, int64_t n, Stream stream);
  Launch launch[kKernelCount];  // null where there is no kernel
  // Bytes of scratch that a kernel needs; null where it needs none.
  size_t (*scratch[kKernelCount])(const void* params, int64_t samples);
};

}  // namespace convnet::cuda

// The only symbol of libconvnet_cuda.
extern "C" const convnet::cuda::Backend* convnet_cuda_backend();
