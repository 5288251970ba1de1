// Work in turns, each of which needs all of the one before, shared by the threads of a crew. A
// thread mostly does the same part of every turn, so that the memory of that part stays in its own
// cache. A part whose thread has not begun when another one is done with its own is taken by that:
// nobody waits for a thread that is not there, and one may come at any time.
#pragma once

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

class Turns {
 public:
  explicit Turns(const KernelArgs& a)
      : crew_(a.crew), parts_(crew_ ? crew_->parts : 1), own_(crew_ ? a.member % parts_ : 0) {}

  // body(part, parts) for parts of the next turn.
  template <class Body>
  CONVNET_INLINE void next(Body body) {
    finish();
    for (int i = 0; i < parts_; ++i) {
      const int part = own_ + i < parts_ ? own_ + i : own_ + i - parts_;
      if (!take(part)) continue;
      body(part, parts_);
      if (crew_) __atomic_store_n(&crew_->done[part].turns, now_ + 1, __ATOMIC_RELEASE);
    }
    ++now_;
  }

  // Waits until all parts of all turns so far are done.
  CONVNET_INLINE void finish() const {
    if (!crew_) return;
    int64_t times = 0;
    for (int part = 0; part < parts_; ++part)
      while (__atomic_load_n(&crew_->done[part].turns, __ATOMIC_ACQUIRE) < now_)
        crew_->wait(times++);
  }

 private:
  CONVNET_INLINE bool take(int part) const {
    if (!crew_) return true;
    int64_t* taken = &crew_->taken[part].turns;
    int64_t seen = __atomic_load_n(taken, __ATOMIC_RELAXED);
    return seen == now_ && __atomic_compare_exchange_n(taken, &seen, now_ + 1, false,
                                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
  }

  Crew* const crew_;
  const int parts_, own_;
  int64_t now_ = 0;
};

}  // namespace convnet::CONVNET_ISA
