// A plan for the GPU: a graph of one lane, whose values lie [sample][feature], as a list of kernel
// launches. A step is recorded once for each size of batch and replayed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "graph/plan.h"

namespace convnet {

class CudaWorkspace;

class CudaPlan : public Program {
 public:
  CudaPlan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
           const std::vector<ValueId>& bound);
  ~CudaPlan() override;

  void set_block(size_t binding, HostRange block) override;
  // One run at a time: others wait.
  int64_t run(void* const* bindings, const StepInfo* steps, int64_t count,
              const std::function<Poll()>& poll, Timings* timings) const override;
  std::vector<TimedCall> timed_calls() const override;

  // Bytes of the device that a run takes, but for copies of weights and chunks of data.
  size_t device_bytes() const { return bytes_ + scratch_; }

 private:
  friend class CudaRun;
  friend class CudaWorkspace;

  size_t bytes(ValueId id) const;  // of all samples
  void plan_memory();

  std::vector<NodeId> order_;          // nodes in the order of their launches
  std::vector<bool> written_;          // by binding: changed by a run
  std::vector<HostRange> blocks_;      // by binding
  std::map<ValueId, size_t> offsets_;  // of values in the workspace
  size_t bytes_ = 0, scratch_ = 0;     // of the workspace, of scratch behind it
  mutable std::mutex mutex_;
  mutable std::unique_ptr<CudaWorkspace> workspace_;
};

}  // namespace convnet
