// A plan for the GPU: a graph of one lane, whose values lie [sample][feature], as a list of kernel
// launches. A step is recorded once for each size of batch and replayed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "graph/plan.h"

namespace convnet {

class CudaPlan : public Program {
 public:
  CudaPlan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
           const std::vector<ValueId>& bound);
  ~CudaPlan() override;

  // One run at a time: others wait.
  int64_t run(void* const* bindings, const StepInfo* steps, int64_t count,
              const std::function<Poll()>& poll, Timings* timings) const override;

 private:
  friend class CudaRun;
  class Workspace;

  size_t bytes(ValueId id) const;  // of all samples
  void plan_memory();

  std::vector<NodeId> order_;          // nodes in the order of their launches
  std::vector<bool> written_;          // by binding: read back after a run
  std::map<ValueId, size_t> offsets_;  // of values in the workspace
  size_t bytes_ = 0, scratch_ = 0;     // of the workspace, of scratch behind it
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Workspace> workspace_;
};

}  // namespace convnet
