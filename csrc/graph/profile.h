// What the calls of a plan cost. Ordinary runs are not timed: a null pointer is all they see of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "graph/plan.h"

namespace convnet {

struct CallTime {
  int64_t count = 0, nanoseconds = 0;
};

// Times of the kernel calls of one run: a row for each thread, a column for each call of the plan.
class Timings {
 public:
  void start(int threads, size_t calls) {
    rows_.assign(static_cast<size_t>(threads), std::vector<CallTime>(calls));
  }
  int threads() const { return static_cast<int>(rows_.size()); }
  CallTime total(size_t call) const;

  template <class Work>
  void measure(int thread, size_t call, const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start;
    add(thread, call, taken.count());
  }
  void add(int thread, size_t call, int64_t nanoseconds) {
    CallTime& time = rows_[static_cast<size_t>(thread)][call];
    ++time.count;
    time.nanoseconds += nanoseconds;
  }

 private:
  std::vector<std::vector<CallTime>> rows_;
};

// What one call of a plan did in all timed runs.
struct CallProfile {
  const Node* node = nullptr;
  bool once = false;       // a run, not a step
  CallTime time;           // of all threads together
  int64_t operations = 0;  // of products: see Node::flops
  int64_t bytes = 0;       // of operands, each counted once a step
};

// The sum of timed runs.
class Profile {
 public:
  explicit Profile(const Program& program);
  void add(const Timings& timings, const StepInfo* steps, int64_t count);

  const std::vector<CallProfile>& calls() const { return calls_; }
  int64_t steps() const { return steps_; }
  int threads() const { return threads_; }

 private:
  const Graph& graph_;
  std::vector<CallProfile> calls_;  // in the order of the program
  int64_t steps_ = 0;
  int threads_ = 1;  // of the last run
};

// How the first result of a node lies in memory: "batch in lanes", "features in lanes", on a GPU
// "batch first", or the name of its storage.
const char* layout_of(const Graph& graph, const Node& node);
const char* name_of(Scope scope);

}  // namespace convnet
