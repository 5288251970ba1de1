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

constexpr int kSpins = 2000;  // 20 to 80 microseconds

}  // namespace

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void wait_patiently(int64_t times) {
  if (times < kSpins)
    relax();
  else
    std::this_thread::yield();
}

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
  // Of the job at hand; read by workers that have entered it.
  const std::function<void(int)>* body = nullptr;
  int team = 0;
  alignas(64) std::atomic<uint32_t> job{0};      // its number
  alignas(64) std::atomic<uint64_t> door{0};     // its number, whether it is open, workers inside
  alignas(64) std::atomic<uint32_t> missing{0};  // workers of the team that are not done

  static constexpr uint64_t kOpen = 1 << 15;
  static uint64_t number_of(uint64_t door) { return door >> 16; }

  // `seen`: the jobs that were over when this worker was made.
  void work(int thread, uint32_t seen) {
    for (;;) {
      spin_then_sleep(job, seen);
      seen = job.load(std::memory_order_acquire);
      if (!enter(seen)) continue;
      const bool member = thread < team;
      if (member) (*body)(thread);
      if (member && missing.fetch_sub(1, std::memory_order_acq_rel) == 1) missing.notify_one();
      door.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  // False where the job is over.
  bool enter(uint32_t number) {
    uint64_t now = door.load(std::memory_order_acquire);
    while (number_of(now) == number && (now & kOpen))
      if (door.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) return true;
    return false;
  }

  void open(const std::function<void(int)>& work, int threads) {
    body = &work;
    team = threads;
    missing.store(static_cast<uint32_t>(threads - 1), std::memory_order_relaxed);
    const uint32_t number = job.load(std::memory_order_relaxed) + 1;
    door.store(uint64_t{number} << 16 | kOpen, std::memory_order_release);
    job.store(number, std::memory_order_release);
    job.notify_all();
  }

  // Waits for the team, or for those of it who have begun.
  void close(bool optional) {
    if (!optional)
      for (uint32_t left; (left = missing.load(std::memory_order_acquire)) != 0;)
        spin_then_sleep(missing, left);
    door.fetch_and(~kOpen, std::memory_order_acq_rel);
    while (door.load(std::memory_order_acquire) & (kOpen - 1)) relax();
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

bool ThreadPool::try_run(int threads, const std::function<void(int)>& body, bool optional) {
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
  if (threads > 1) state->open(body, threads);
  body(0);
  if (threads > 1) state->close(optional);
  return true;
}

}  // namespace convnet
