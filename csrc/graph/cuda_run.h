// One run of a plan for the GPU: steps go in chunks, whose data is gathered and sent while the
// device computes the chunk before.
#pragma once

#include <chrono>

#include "graph/cuda_workspace.h"

namespace convnet {

class CudaRun {
 public:
  CudaRun(const CudaPlan& plan, CudaWorkspace& workspace, void* const* bindings,
          const StepInfo* steps, int64_t count, Timings* timings);
  ~CudaRun();

  int64_t go(const std::function<Poll()>& poll);

 private:
  using Clock = std::chrono::steady_clock;
  struct Part {
    int64_t begin = 0, end = 0;  // steps
    bool launched = false;
    Clock::time_point start;
  };

  const Value& value(ValueId id) const { return plan_.graph_.value(id); }
  // The first row of a step among those of the run.
  int64_t row(int64_t step) const {
    return step < count_ ? steps_[step].first - steps_[0].first
                         : row(count_ - 1) + steps_[count_ - 1].batch;
  }
  bool whole(size_t feed) const {  // a result that there is one of for all samples
    return feed >= inputs_ && !value(plan_.outputs_[feed - inputs_]).has_batch();
  }
  // Rows of a feed that belong to steps.
  int64_t rows(size_t feed, int64_t begin, int64_t end) const {
    return whole(feed) ? 1 : row(end) - row(begin);
  }

  void bind(void* const* bindings);
  void know_feeds();
  void make_timers();
  void send_weights();
  void mark_weights();
  void fetch_sums();

  int64_t end_of_chunk(int64_t begin) const;
  void stage(int which, int64_t begin);
  void stage(int which, int64_t begin, int64_t end);
  void gather(char* to, const Feed& feed, int64_t begin, int64_t end) const;
  void launch(int which);
  void finish(int which);
  void replay(int64_t batch);
  void* record(int64_t batch);
  void launch_all(int64_t batch);
  void read_timers();
  void* place(ValueId root) const;

  const CudaPlan& plan_;
  CudaWorkspace& ws_;
  const cuda::Backend& backend_;
  const StepInfo* steps_;
  const int64_t count_;
  const size_t inputs_, feeds_;  // how many
  const int64_t scalars_;        // of a step
  Timings* const timings_;       // null: not timed
  Part parts_[2];
  Clock::time_point finished_;
};

}  // namespace convnet
