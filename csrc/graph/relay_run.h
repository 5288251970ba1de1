// Runs of a few samples by a relay.
#pragma once

#include "graph/flow.h"
#include "graph/relay.h"
#include "graph/run.h"

namespace convnet {

// The calls of a plan, cut for a number of shards and threads.
class RelayRun {
 public:
  RelayRun(const Plan& plan, int64_t shards, int threads);
  bool fits(int64_t shards, int threads) const {
    return static_cast<int64_t>(shards_.size()) == shards && threads_ == threads;
  }
  // Returns how many steps were finished.
  int64_t lead(const KernelRunner& kernels, const StepInfo* steps, int64_t count, bool fixed,
               const std::function<bool()>& go_on);

 private:
  struct Site {
    const Call *call, *last;  // a chain
    bool split;
  };
  void run_piece(const KernelRunner& kernels, const StepInfo& info, int thread, int task, int piece,
                 Crew* crew) const;

  const int threads_;
  const std::vector<Cut> cuts_;
  Relay relay_;
  std::vector<Site> sites_;
  // Calls to leave out: none, or those that depend on weights only.
  std::vector<bool> none_, unchanged_;
  std::vector<int64_t> shards_;
};

}  // namespace convnet
