// Running a plan: the memory of a run, and the threads that go through the stages.
#pragma once

#include "graph/plan.h"

namespace convnet {

// The call site of a node, with places resolved as far as the plan knows them.
Call make_call(const Graph& graph, const Node& node, const Layout& layout,
               const KernelTable& table);

// The arena of one run. Grows to what a run needs and stays: later runs of the same size allocate
// nothing.
class Workspace {
 public:
  explicit Workspace(const Plan& plan);
  void prepare(int threads, int64_t shards, int64_t slots);

 private:
  friend class Runner;
  const Plan& plan_;
  AlignedBytes shared_, single_, slots_;
  int64_t shared_count_ = 0, slot_count_ = 0;
  std::vector<AlignedBytes> local_, scratch_;
  std::vector<std::vector<int64_t>> own_;  // shards of each thread
};

}  // namespace convnet
