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
    : tasks_(std::move(tasks)),
      states_(std::make_unique<State[]>(tasks_.size())),
      joints_(tasks_.size()) {
  for (size_t t = 0; t < tasks_.size(); ++t) {
    if (tasks_[t].crew == 1) continue;
    joints_[t] = std::make_unique<Joint>();
    shared_.push_back(static_cast<int>(t));
  }
}

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
      run(thread, static_cast<int>(t), piece);
      state.done.fetch_or(bit, std::memory_order_release);
      return true;
    }
  }
  return join(thread);
}

// Runs a piece; where the task has crews and none is at work, with those who join.
void Relay::run(int thread, int task, int piece) {
  Joint* joint = joints_[task].get();
  uint32_t door = 0;
  if (!joint || !joint->door.compare_exchange_strong(door, kTaken, std::memory_order_acq_rel))
    return run_(context_, thread, task, piece, nullptr);
  joint->piece = piece;
  joint->crew.assemble(tasks_[task].crew, &wait_patiently);
  joint->door.store(kTaken | kOpen, std::memory_order_release);
  run_(context_, thread, task, piece, &joint->crew);
  joint->door.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (Patience patience; joint->door.load(std::memory_order_acquire) & kInside;) patience.wait();
  joint->door.store(0, std::memory_order_release);
}

// Joins a piece at work, which is part of a round as long as its door is open and somebody inside;
// false where there is none.
bool Relay::join(int thread) {
  for (const int task : shared_) {
    Joint& joint = *joints_[task];
    uint32_t door = joint.door.load(std::memory_order_relaxed);
    if (!(door & kOpen) || static_cast<int>(door & kInside) + 1 >= tasks_[task].crew) continue;
    if (!joint.door.compare_exchange_strong(door, door + 1, std::memory_order_acq_rel)) continue;
    run_(context_, thread, task, joint.piece, &joint.crew);
    joint.door.fetch_sub(1, std::memory_order_acq_rel);
    return true;
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
    while ((all(t) & ~states_[t].done.load(std::memory_order_acquire)) != 0)
      if (!join(0)) patience.wait();
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
