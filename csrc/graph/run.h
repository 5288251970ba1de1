// Running a plan: the memory of a run, and the threads that go through the stages.
#pragma once

#include <chrono>

#include "graph/plan.h"
#include "graph/profile.h"

namespace convnet {

// The call site of a node, with places resolved as far as the plan knows them.
Call make_call(const Graph& graph, const Node& node, const Layout& layout,
               const KernelTable& table);

class RelayRun;

// The end of the chain that begins at call `i` of a stage.
size_t end_of_chain(const std::vector<Call>& calls, size_t i);

// How often the caller is asked whether to go on.
constexpr auto kPollInterval = std::chrono::milliseconds(20);

// The arena of one run. Grows to what a run needs and stays: later runs of the same size allocate
// nothing.
class Workspace {
 public:
  explicit Workspace(const Plan& plan);
  // `together`: shards that are worked on at the same time.
  void prepare(int threads, int64_t shards, int64_t slots, int64_t together = 0);
  // Whether the results of fixed stages are still those of the present weights.
  bool keeps(uint64_t version) const { return fixed_of_ == version; }
  void keep(uint64_t version) { fixed_of_ = version; }
  // How steps of this many shards are cut; made where the last ones were others.
  RelayRun& relay_run(int64_t shards, int threads);

 private:
  friend class Runner;
  friend class KernelRunner;
  const Plan& plan_;
  AlignedBytes shared_, single_, slots_;
  int64_t shared_count_ = 0, slot_count_ = 0;
  std::vector<AlignedBytes> local_, scratch_, pieces_;
  std::vector<std::vector<int64_t>> own_;  // shards of each thread
  uint64_t fixed_of_ = 0;                  // version of the weights that fixed stages saw
  std::shared_ptr<RelayRun> relay_run_;
};

// Part of a call: shards, or null for what knows none, units [begin, end), the local slab, and the
// crew that shares it, or null.
struct Portion {
  const int64_t* shards;
  int64_t shard_count, begin, end;
  int slab;
  Crew* crew = nullptr;
};

// Threads out of `threads` that share calls of a node.
int crew_of(const Node& node, int threads);

// Calls kernels with pointers into the memory of a run.
class KernelRunner {
 public:
  KernelRunner(const Plan& plan, Workspace& workspace, void* const* bindings, Timings* timings)
      : plan_(plan), ws_(workspace), bindings_(bindings), timings_(timings) {}
  void run(const StepInfo& info, int thread, const Call& call, const Portion& portion) const;
  // Units [begin, end) of a call of a stage that is split and of those that follow it, up to
  // `last`.
  void run_chain(const StepInfo& info, int thread, const Call* call, const Call* last,
                 int64_t begin, int64_t end) const;

 private:
  void* resolve(const Place& place, const StepInfo& info, int thread, int64_t shard,
                const Portion& portion) const;

  const Plan& plan_;
  Workspace& ws_;
  void* const* bindings_;
  Timings* timings_;  // null: not timed
};

// Runs steps of a few samples in a workspace prepared for all their shards together: the caller
// leads, threads of the pool help where they are awake. `poll` is called between steps; `fixed`:
// whether the first step runs the fixed stages as well. Returns how many were finished.
int64_t run_as_relay(const Plan& plan, Workspace& workspace, void* const* bindings,
                     const StepInfo* steps, int64_t count, int threads, bool fixed,
                     const std::function<Poll()>& poll, Timings* timings);

}  // namespace convnet
