#undef _FORTIFY_SOURCE  // it takes jumps from stack to stack for mistakes
#include "cuda/emulation/emulation.h"

#include <setjmp.h>
#include <ucontext.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "core/denormals.h"
#include "cuda/emulation/wgmma.h"

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

// A stack that runs threads, one after the other, until one of them waits. Fibers change by jumps,
// which take a tenth of the time of `swapcontext`.
struct Fiber {
  jmp_buf place;
  std::unique_ptr<char[]> stack{new char[kStack]};
  unsigned thread = 0;  // the one it runs
};

struct Warp {
  unsigned alive;                     // threads that have not returned
  uint32_t ready, at_warp, at_block;  // that may go on, that wait at a barrier
};

struct Block {
  const std::function<void()>* body = nullptr;
  unsigned threads = 0, next = 0;   // of the block, the first that has not begun
  unsigned alive = 0, arrived = 0;  // that have not returned, that wait for the block
  std::vector<Warp> warps;
  std::vector<Fiber*> fibers;       // by thread
  std::vector<uint64_t> passed[2];  // by thread: what it hands to its warp, now and then
  std::vector<unsigned char> turn;  // by thread: which of the two is next
  std::vector<std::unique_ptr<Fiber>> made;
  std::vector<Fiber*> idle;
  std::vector<char> shown;     // by thread: what it shows to its warp
  std::vector<Copies> copies;  // by thread
  size_t shared = 0;
  Fiber* current = nullptr;
  jmp_buf done;
} now;

unsigned index_of_thread() {
  return thread.x + block_size.x * (thread.y + block_size.y * thread.z);
}

void become(unsigned index) {
  thread = {index % block_size.x, index / block_size.x % block_size.y,
            index / (block_size.x * block_size.y)};
}

void open_warp(Warp& warp) {
  if (static_cast<unsigned>(std::popcount(warp.at_warp)) < warp.alive) return;
  warp.ready |= warp.at_warp;
  warp.at_warp = 0;
}

void open_block() {
  if (now.arrived < now.alive) return;
  wgmma_at_barrier(now.arrived);
  now.arrived = 0;
  for (Warp& warp : now.warps) {
    warp.ready |= warp.at_block;
    warp.at_block = 0;
  }
}

void run_threads();

[[noreturn]] void start_fiber() {
  now.made.push_back(std::make_unique<Fiber>());
  now.current = now.made.back().get();
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = now.current->stack.get();
  context.uc_stack.ss_size = kStack;
  context.uc_link = nullptr;
  makecontext(&context, run_threads, 0);
  setcontext(&context);
  std::abort();
}

[[noreturn]] void change_to(Fiber* fiber) {
  now.current = fiber;
  _longjmp(fiber->place, 1);
}

// Goes on with a thread that can, of the warp at hand first, then with one that has not begun.
[[noreturn]] void go_on() {
  const size_t warps = now.warps.size(), first = now.current ? now.current->thread / kWarp : 0;
  for (size_t i = 0; i < warps; ++i) {
    const size_t w = (first + i) % warps;
    Warp& warp = now.warps[w];
    if (!warp.ready) continue;
    const auto lane = static_cast<size_t>(std::countr_zero(warp.ready));
    warp.ready &= warp.ready - 1;
    change_to(now.fibers[w * kWarp + lane]);
  }
  if (now.alive == 0) _longjmp(now.done, 1);
  if (now.next == now.threads) {
    std::fputs("emulation: threads of a block wait at different barriers\n", stderr);
    std::abort();
  }
  if (now.idle.empty()) start_fiber();
  Fiber* fiber = now.idle.back();
  now.idle.pop_back();
  change_to(fiber);
}

void run_threads() {
  Fiber* self = now.current;
  for (;;) {
    while (now.next < now.threads) {
      self->thread = now.next++;
      now.fibers[self->thread] = self;
      become(self->thread);
      (*now.body)();
      Warp& warp = now.warps[self->thread / kWarp];
      --warp.alive, --now.alive;
      open_warp(warp);
      open_block();
    }
    now.idle.push_back(self);
    if (!_setjmp(self->place)) go_on();
  }
}

void wait() {
  Fiber* self = now.current;
  if (!_setjmp(self->place)) go_on();
  become(self->thread);
}

void run_block() {
  now.next = now.arrived = 0;
  now.alive = now.threads;
  now.turn.assign(now.threads, 0);
  for (size_t w = 0; w < now.warps.size(); ++w)
    now.warps[w] = {std::min(now.threads - static_cast<unsigned>(w) * kWarp, kWarp), 0, 0, 0};
  now.shown.assign(now.threads * kMostShown, 0);
  now.copies.assign(now.threads, {});
  wgmma_new_block();
  std::memset(shared_memory, 0xff, now.shared);
  now.current = nullptr;
  if (!_setjmp(now.done)) go_on();
}

}  // namespace

void barrier() {
  const unsigned self = index_of_thread();
  now.warps[self / kWarp].at_block |= 1u << self % kWarp;
  ++now.arrived;
  open_block();
  wait();
}

void warp_barrier() {
  const unsigned self = index_of_thread();
  Warp& warp = now.warps[self / kWarp];
  warp.at_warp |= 1u << self % kWarp;
  open_warp(warp);
  wait();
}

namespace {

// What each thread of the warp passes; the same place is written again only after another barrier.
const std::vector<uint64_t>& pass(unsigned self, uint64_t value) {
  std::vector<uint64_t>& passed = now.passed[now.turn[self] ^= 1];
  passed[self] = value;
  warp_barrier();
  return passed;
}

}  // namespace

uint64_t exchange(uint64_t value, int lane) {
  const unsigned self = index_of_thread(),
                 from = self / kWarp * kWarp + static_cast<unsigned>(lane);
  const std::vector<uint64_t>& passed = pass(self, value);
  return from < now.threads ? passed[from] : value;
}

uint32_t ballot(bool vote) {
  const unsigned self = index_of_thread(), first = self / kWarp * kWarp;
  const std::vector<uint64_t>& passed = pass(self, vote);
  uint32_t votes = 0;
  for (unsigned t = first; t < std::min(first + kWarp, now.threads); ++t)
    votes |= static_cast<uint32_t>(passed[t]) << (t - first);
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

namespace {

void make(const Copy& copy) {
  if (copy.inside)
    std::memcpy(copy.to, copy.from, copy.bytes);
  else
    std::memset(copy.to, 0, copy.bytes);
}

}  // namespace

void copy_later(void* to, const void* from, size_t bytes, bool inside) {
  static const bool early = std::getenv("CONVNET_EMULATION_EARLY_COPIES") != nullptr;
  if (early) return make({to, from, bytes, inside});
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
    for (const Copy& copy : groups.front()) make(copy);
}

void run(dim3 grid, dim3 size, size_t shared, const std::function<void()>& body) {
  static std::mutex one;
  std::lock_guard lock(one);
  const FlushDenormals flush;
  block_size = size, grid_size = grid;
  now.shared = shared;
  now.threads = size.x * size.y * size.z;
  now.body = &body;
  now.warps.resize((now.threads + kWarp - 1) / kWarp);
  now.fibers.resize(now.threads);
  for (auto& passed : now.passed) passed.assign(now.threads, 0);
  for (block.z = 0; block.z < grid.z; ++block.z)
    for (block.y = 0; block.y < grid.y; ++block.y)
      for (block.x = 0; block.x < grid.x; ++block.x) run_block();
}

}  // namespace convnet::cuda::emulation
