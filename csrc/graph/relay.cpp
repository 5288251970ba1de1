#include "graph/relay.h"

#include <algorithm>
#include <bit>

#include "core/thread_pool.h"

namespace convnet {

namespace {

constexpr uint64_t kBits = 0xffffffff;

uint64_t round_of(uint64_t word) { return word >> 32; }

}  // namespace

Relay::Relay(std::vector<Task> tasks)
    : tasks_(std::move(tasks)), states_(std::make_unique<State[]>(tasks_.size())) {}

bool Relay::ready(const std::vector<Need>& needs, uint64_t round) const {
  return std::all_of(needs.begin(), needs.end(), [&](const Need& need) {
    const uint64_t done = states_[need.task].done.load(std::memory_order_acquire);
    return round_of(done) == round && (need.pieces & ~done) == 0;
  });
}

// Takes a piece of the first task with one that is ready and runs it; false where there is none.
// The leader begins at the front, helpers at the back: from round to round a thread mostly gets the
// same pieces, whose weights its caches hold. Tasks before `first` are all taken. A word of `taken`
// that still belongs to the round says that the round lasts, and what the leader wrote for it may
// be read.
bool Relay::take(int thread, uint64_t round, size_t& first) {
  for (size_t t = first; t < tasks_.size(); ++t) {
    if (thread && tasks_[t].leaders) continue;
    State& state = states_[t];
    uint64_t taken = state.taken.load(std::memory_order_acquire);
    if (round_of(taken) != round) return false;
    uint64_t left = all(t) & ~taken;
    if (!left && t == first) ++first;
    for (uint64_t bit; left; left &= ~bit) {
      const int piece = thread ? 63 - std::countl_zero(left) : std::countr_zero(left);
      bit = uint64_t{1} << piece;
      if (!ready(tasks_[t].pieces[piece], round)) continue;
      // Where another thread was faster, look again.
      if (!state.taken.compare_exchange_strong(taken, taken | bit, std::memory_order_acq_rel))
        return true;
      run_(context_, thread, static_cast<int>(t), piece);
      state.done.fetch_or(bit, std::memory_order_release);
      return true;
    }
  }
  return false;
}

void Relay::lead_round(const std::vector<bool>& skipped) {
  const uint64_t round = last_round_ = (last_round_ + 1) & kBits;
  const auto start = [&](size_t t) { return round << 32 | (skipped[t] ? all(t) : 0); };
  for (size_t t = 0; t < tasks_.size(); ++t)
    states_[t].done.store(start(t), std::memory_order_relaxed);
  for (size_t t = 0; t < tasks_.size(); ++t)
    states_[t].taken.store(start(t), std::memory_order_release);
  round_.store(round, std::memory_order_release);
  Patience patience;
  for (size_t first = 0; first < tasks_.size();)
    if (take(0, round, first))
      patience = {};
    else
      patience.wait();
  for (size_t t = 0; t < tasks_.size(); ++t)
    while ((all(t) & ~states_[t].done.load(std::memory_order_acquire)) != 0) patience.wait();
}

void Relay::help(int thread) {
  Patience patience;
  uint64_t round;
  while ((round = round_.load(std::memory_order_acquire)) != kOver) {
    size_t first = 0;
    while (round_.load(std::memory_order_acquire) == round)
      if (round != kIdle && take(thread, round, first))
        patience = {};
      else
        patience.wait();
  }
}

}  // namespace convnet
