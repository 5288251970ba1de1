// A small pool of our own: parked workers plus the caller, static split, a barrier that spins
// briefly and then sleeps. After fork the child starts with no workers and makes new ones on first
// use.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace convnet {

// All threads of a team meet here between stages.
class Barrier {
 public:
  explicit Barrier(int threads) : threads_(threads) {}
  void wait();

 private:
  const int threads_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};
};

// Tells the processor that this thread spins.
void relax();

// Waits a moment for threads that are at work, having done so `times` before: spins, and after some
// time lets others run, since those it waits for may have lost their processors.
void wait_patiently(int64_t times);

// The same, counting.
class Patience {
 public:
  void wait() { wait_patiently(times_++); }

 private:
  int64_t times_ = 0;
};

// Waits until `value` differs from `seen`: spins for some microseconds, then sleeps in the kernel.
void spin_then_sleep(const std::atomic<uint32_t>& value, uint32_t seen);

class ThreadPool {
 public:
  // The process's pool.
  static ThreadPool& instance();

  // Runs body(thread) for thread = 0 .. threads-1 and returns when all are done; the caller is
  // thread 0. With `optional`, a worker that has not begun when the caller's own part is over does
  // not begin. Returns false without running anything when another caller has the pool.
  bool try_run(int threads, const std::function<void(int)>& body, bool optional = false);

 private:
  ThreadPool() = default;
  struct State;
  std::atomic<State*> state_{nullptr};
  friend struct ForkHandler;
};

// Threads a run uses: set_num_threads, else CONVNET_NUM_THREADS, else the physical cores this
// process may use.
int num_threads();
// Throws std::invalid_argument unless 1 <= threads <= 256; 0 restores the default.
void set_num_threads(int threads);

}  // namespace convnet
