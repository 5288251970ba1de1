#include "graph/relay.h"

#include "core/thread_pool.h"

namespace convnet {

namespace {

uint64_t pieces_of(uint64_t ticket) { return ticket >> 16 & 0xffff; }
uint64_t taken_of(uint64_t ticket) { return ticket & 0xffff; }

}  // namespace

// Takes one piece and runs it; false where another thread was faster. Who has taken a piece may
// read what the leader wrote for the round: the leader waits for all pieces before the next one.
bool Relay::take(uint64_t ticket, int thread) {
  if (!ticket_.compare_exchange_strong(ticket, ticket + 1, std::memory_order_acq_rel)) return false;
  run_(context_, thread, static_cast<int>(taken_of(ticket)));
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void Relay::share_pieces(uint64_t pieces) {
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(++round_ << 32 | pieces << 16, std::memory_order_release);
  for (;;) {
    const uint64_t ticket = ticket_.load(std::memory_order_relaxed);
    if (taken_of(ticket) == pieces) break;
    take(ticket, 0);
  }
  while (done_.load(std::memory_order_acquire) != pieces) relax();
}

void Relay::help(int thread) {
  for (;;) {
    const uint64_t ticket = ticket_.load(std::memory_order_acquire);
    if (ticket == kOver) return;
    if (taken_of(ticket) == pieces_of(ticket) || !take(ticket, thread)) relax();
  }
}

}  // namespace convnet
