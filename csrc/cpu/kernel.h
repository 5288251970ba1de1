// What a CPU kernel is: one function over raw pointers and POD arguments, so that code compiled for
// one instruction set shares nothing with the rest of the library but this header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convnet {

constexpr int64_t kLanes = 16;  // samples of a shard, and lanes of a batched value

enum class FeedType : int32_t { f32, f64, u8, i8, i16, u16, i32, u32, i64, u64, boolean };

// A user's array that samples are gathered from, or that results are scattered to.
struct Feed {
  char* data;
  int64_t row_bytes;
  FeedType type;
  bool on_gpu = false;  // where the data is
};

// What changes from step to step.
struct StepInfo {
  int64_t batch;         // live samples
  int64_t shards;        // shards in use
  int64_t slots;         // gradient slots in use
  uint64_t seed;         // Philox key
  uint64_t step;         // Philox counter: steps run since the plan was built
  int64_t first;         // row of the outputs that the first sample goes to
  const int64_t* order;  // row of the feeds for each sample; null: first, first + 1, ...
  const Feed* feeds;
  const double* hyper;  // per-step scalars: learning rate, iteration
  int64_t index;        // of the step in its run

  // First sample of a shard of several lanes. Shards are filled one after another, since one with
  // few samples takes less time, but for two: a thread has each, and waits for the other.
  int64_t first_of(int64_t shard) const {
    if (shards == 2) return batch * shard / 2;
    return shard < shards ? shard * kLanes : batch;
  }
  // Live samples of a shard of several lanes, in its first lanes.
  int64_t live_of(int64_t shard) const { return first_of(shard + 1) - first_of(shard); }
};

// Threads that share a call, where a node allows that: what it does comes in turns, and of every
// turn each thread does its part, or those of threads that are not there. See cpu/kernels/turns.h.
struct Crew {
  static constexpr int kMost = 8;
  struct alignas(64) Count {
    int64_t turns;
  };
  Count taken[kMost], done[kMost];  // by part
  int parts;
  void (*wait)(int64_t times);  // what a thread does that has waited so many times

  void assemble(int parts_of_turn, void (*wait_for_others)(int64_t)) {
    parts = parts_of_turn;
    wait = wait_for_others;
    for (int i = 0; i < parts; ++i) taken[i].turns = done[i].turns = 0;
  }
};

// One call. `data` holds a pointer for each input, then for each output (null where an optional one
// is absent).
//  Shard kernels: one shard, pointers already at that shard.
//  Group kernels: `shards[0 .. shard_count)`; pointers at shard 0, `stride` elements from shard to
//  shard. Batch kernels: all `step->shards` shards; pointers and strides as for Group.
// Slotted values: pointers are at the shard's slot for Shard kernels, at slot 0 for Batch kernels.
struct KernelArgs {
  const void* params;
  void* const* data;
  const int64_t* stride;
  const int64_t* shards;
  int64_t shard_count;
  int64_t begin, end;  // units of work to do, out of the node's `units`
  int64_t lanes;       // kLanes, or 1 where the node works on Single values
  bool accumulate;     // a Slotted output already holds sums of earlier shards
  const StepInfo* step;
  void* scratch;
  Crew* crew = nullptr;  // null: nobody else
  int member = 0;        // of the crew

  float* f32(int i) const { return static_cast<float*>(data[i]); }
  uint16_t* bits(int i) const { return static_cast<uint16_t*>(data[i]); }
  int32_t* i32(int i) const { return static_cast<int32_t*>(data[i]); }
  template <class P>
  const P& as() const {
    return *static_cast<const P*>(params);
  }
  // What InferContext::params(list) put behind the block.
  template <class P>
  const int64_t* list() const {
    return reinterpret_cast<const int64_t*>(static_cast<const P*>(params) + 1);
  }
  int64_t shard() const { return shards[0]; }
  int64_t first(int64_t shard) const { return step->first_of(shard); }
  int64_t live(int64_t shard) const { return lanes == 1 ? 1 : step->live_of(shard); }
};

using KernelFn = void (*)(const KernelArgs&);

}  // namespace convnet
