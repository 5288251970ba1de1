#include "cuda/emulation/emulation.h"

#include <ucontext.h>

#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace convnet::cuda::emulation {

uint3 thread, block;
dim3 block_size, grid_size;
alignas(16) float shared_memory[kSharedMemory / sizeof(float)];

namespace {

constexpr size_t kStack = size_t{256} << 10;
constexpr unsigned kWarp = 32;
constexpr size_t kMostShown = 64;  // bytes of a lane

struct Copy {
  void* to;
  const void* from;
  size_t bytes;
  bool inside;
};
struct Copies {
  std::deque<std::vector<Copy>> groups;  // the last one is open
};

// A stack that runs threads, one after the other, until one of them waits.
struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStack);
  unsigned thread = 0;    // the one it runs
  bool waiting = false;   // at a barrier
  unsigned arrivals = 0;  // barriers of each kind that the thread has come to
  unsigned warp_arrivals = 0;
};

struct Block {
  const std::function<void()>* body = nullptr;
  unsigned threads = 0, next = 0;  // threads of the block, the first that has not begun
  std::vector<unsigned> arrived, warp_arrived;  // by thread: barriers it has come to
  std::vector<bool> returned;
  std::vector<uint64_t> passed;  // by thread: what it hands to others of its warp
  std::vector<char> shown;
  std::vector<Copies> copies;  // by thread
  size_t shared = 0;
  std::vector<std::unique_ptr<Fiber>> fibers;
  ucontext_t scheduler;
  Fiber* current = nullptr;
} now;

unsigned index_of_thread() {
  return thread.x + block_size.x * (thread.y + block_size.y * thread.z);
}

void become(unsigned index) {
  thread = {index % block_size.x, index / block_size.x % block_size.y,
            index / (block_size.x * block_size.y)};
}

void run_threads() {
  Fiber* self = now.current;
  while (now.next < now.threads) {
    self->thread = now.next++;
    become(self->thread);
    (*now.body)();
    now.returned[self->thread] = true;
  }
  self->waiting = false;
  swapcontext(&self->context, &now.scheduler);
}

void wait() {
  Fiber* self = now.current;
  self->waiting = true;
  swapcontext(&self->context, &now.scheduler);
  become(self->thread);
}

// Whether all threads [first, last) that have not returned have come to barrier `count`.
bool all_there(const std::vector<unsigned>& arrived, unsigned first, unsigned last,
               unsigned count) {
  for (unsigned t = first; t < last; ++t)
    if (!now.returned[t] && arrived[t] < count) return false;
  return true;
}

void resume(Fiber& fiber) {
  now.current = &fiber;
  swapcontext(&now.scheduler, &fiber.context);
}

void run_block() {
  now.next = 0;
  now.arrived.assign(now.threads, 0);
  now.warp_arrived.assign(now.threads, 0);
  now.returned.assign(now.threads, false);
  now.passed.assign(now.threads, 0);
  now.shown.assign(now.threads * kMostShown, 0);
  now.copies.assign(now.threads, {});
  std::memset(shared_memory, 0xff, now.shared);
  // Fibers begin threads until all have begun; then those that wait go on in turn.
  size_t used = 0;
  while (now.next < now.threads) {
    if (used == now.fibers.size()) now.fibers.push_back(std::make_unique<Fiber>());
    Fiber& fiber = *now.fibers[used++];
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run_threads, 0);
    resume(fiber);
  }
  for (bool left = true; left;) {
    left = false;
    for (size_t f = 0; f < used; ++f)
      if (now.fibers[f]->waiting) {
        left = true;
        resume(*now.fibers[f]);
      }
  }
}

}  // namespace

void barrier() {
  const unsigned self = index_of_thread(), count = ++now.arrived[self];
  while (!all_there(now.arrived, 0, now.threads, count)) wait();
}

void warp_barrier() {
  const unsigned self = index_of_thread(), count = ++now.warp_arrived[self];
  const unsigned first = self / kWarp * kWarp, last = std::min(first + kWarp, now.threads);
  while (!all_there(now.warp_arrived, first, last, count)) wait();
}

uint64_t exchange(uint64_t value, int lane) {
  const unsigned self = index_of_thread(),
                 from = self / kWarp * kWarp + static_cast<unsigned>(lane);
  now.passed[self] = value;
  warp_barrier();
  const uint64_t result = from < now.threads ? now.passed[from] : value;
  warp_barrier();
  return result;
}

uint32_t ballot(bool vote) {
  const unsigned self = index_of_thread(), first = self / kWarp * kWarp;
  now.passed[self] = vote;
  warp_barrier();
  uint32_t votes = 0;
  for (unsigned t = first; t < std::min(first + kWarp, now.threads); ++t)
    votes |= static_cast<uint32_t>(now.passed[t]) << (t - first);
  warp_barrier();
  return votes;
}

const void* show(const void* mine, size_t bytes) {
  const unsigned self = index_of_thread(), first = self / kWarp * kWarp;
  char* warp = now.shown.data() + first * kMostShown;
  warp_barrier();  // what was shown before has been seen
  std::memcpy(warp + (self - first) * bytes, mine, bytes);
  warp_barrier();
  return warp;
}

void copy_later(void* to, const void* from, size_t bytes, bool inside) {
  auto& groups = now.copies[index_of_thread()].groups;
  if (groups.empty()) groups.emplace_back();
  groups.back().push_back({to, from, bytes, inside});
}

void end_group() {
  auto& groups = now.copies[index_of_thread()].groups;
  if (groups.empty()) groups.emplace_back();
  groups.emplace_back();
}

void wait_for_groups(unsigned left) {
  auto& groups = now.copies[index_of_thread()].groups;
  for (; groups.size() > left + 1; groups.pop_front())
    for (const Copy& copy : groups.front())
      if (copy.inside)
        std::memcpy(copy.to, copy.from, copy.bytes);
      else
        std::memset(copy.to, 0, copy.bytes);
}

void run(dim3 grid, dim3 size, size_t shared, const std::function<void()>& body) {
  static std::mutex one;
  std::lock_guard lock(one);
  block_size = size, grid_size = grid;
  now.shared = shared;
  now.threads = size.x * size.y * size.z;
  now.body = &body;
  for (block.z = 0; block.z < grid.z; ++block.z)
    for (block.y = 0; block.y < grid.y; ++block.y)
      for (block.x = 0; block.x < grid.x; ++block.x) run_block();
}

}  // namespace convnet::cuda::emulation
