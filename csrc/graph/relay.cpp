#include "graph/relay.h"

#include "core/thread_pool.h"

namespace convnet {

namespace {

uint64_t end_of(uint64_t ticket) { return ticket >> 16 & 0xffff; }
uint64_t begin_of(uint64_t ticket) { return ticket & 0xffff; }
constexpr uint64_t kOneEnd = 1 << 16;

}  // namespace

// Takes one piece and runs it; false where another thread was faster. Who has taken a piece may
// read what the leader wrote for the round: the leader waits for all pieces before the next one.
bool Relay::take(uint64_t ticket, int thread) {
  const uint64_t piece = thread ? end_of(ticket) - 1 : begin_of(ticket);
  const uint64_t rest = thread ? ticket - kOneEnd : ticket + 1;
  if (!ticket_.compare_exchange_strong(ticket, rest, std::memory_order_acq_rel)) return false;
  run_(context_, thread, static_cast<int>(piece));
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void Relay::share_pieces(uint64_t pieces) {
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(++round_ << 32 | pieces << 16, std::memory_order_release);
  for (;;) {
    const uint64_t ticket = ticket_.load(std::memory_order_relaxed);
    if (begin_of(ticket) == end_of(ticket)) break;
    take(ticket, 0);
  }
  while (done_.load(std::memory_order_acquire) != pieces) relax();
}

void Relay::help(int thread) {
  for (;;) {
    const uint64_t ticket = ticket_.load(std::memory_order_acquire);
    if (ticket == kOver) return;
    if (begin_of(ticket) == end_of(ticket) || !take(ticket, thread)) relax();
  }
}

}  // namespace convnet
