#include "core/thread_pool.h"

#include <pthread.h>

#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace convnet {

namespace {

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

constexpr int kSpins = 2000;  // 20 to 80 microseconds

}  // namespace

void spin_then_sleep(const std::atomic<uint32_t>& value, uint32_t seen) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != seen) return;
    relax();
  }
  while (value.load(std::memory_order_acquire) == seen) value.wait(seen, std::memory_order_acquire);
}

void Barrier::wait() {
  if (threads_ == 1) return;
  uint32_t generation = generation_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.store(generation + 1, std::memory_order_release);
    generation_.notify_all();
  } else {
    spin_then_sleep(generation_, generation);
  }
}

// Lives in the parent for good; the child of a fork makes another, since the workers do not exist
// there.
struct ThreadPool::State {
  std::mutex busy;
  std::vector<std::thread> workers;
  const std::function<void(int)>* body = nullptr;
  int team = 0;
  alignas(64) std::atomic<uint32_t> job{0};
  alignas(64) std::atomic<uint32_t> running{0};

  // `seen`: the jobs that were over when this worker was made.
  void work(int thread, uint32_t seen) {
    for (;;) {
      spin_then_sleep(job, seen);
      seen = job.load(std::memory_order_acquire);
      if (thread < team) (*body)(thread);
      if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) running.notify_one();
    }
  }

  void grow(int threads) {
    while (static_cast<int>(workers.size()) < threads - 1) {
      int thread = static_cast<int>(workers.size()) + 1;
      uint32_t seen = job.load(std::memory_order_relaxed);
      workers.emplace_back([this, thread, seen] { work(thread, seen); });
      workers.back().detach();
    }
  }
};

struct ForkHandler {
  static void child() { ThreadPool::instance().state_.store(nullptr, std::memory_order_relaxed); }
};

ThreadPool& ThreadPool::instance() {
  static ThreadPool* pool = [] {
    pthread_atfork(nullptr, nullptr, &ForkHandler::child);
    return new ThreadPool;
  }();
  return *pool;
}

bool ThreadPool::try_run(int threads, const std::function<void(int)>& body) {
  State* state = state_.load(std::memory_order_acquire);
  if (!state) {
    State* fresh = new State;
    if (state_.compare_exchange_strong(state, fresh, std::memory_order_acq_rel))
      state = fresh;
    else
      delete fresh;
  }
  std::unique_lock lock(state->busy, std::try_to_lock);
  if (!lock) return false;
  state->grow(threads);
  if (threads > 1) {
    state->body = &body;
    state->team = threads;
    state->running.store(static_cast<uint32_t>(state->workers.size()), std::memory_order_relaxed);
    state->job.fetch_add(1, std::memory_order_release);
    state->job.notify_all();
  }
  body(0);
  if (threads > 1)
    for (uint32_t left; (left = state->running.load(std::memory_order_acquire)) != 0;)
      spin_then_sleep(state->running, left);
  return true;
}

}  // namespace convnet
