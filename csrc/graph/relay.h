// Short work in many pieces: the leader goes through it at once and alone if need be; helpers take
// pieces off its end as soon as they are awake. Nobody waits for a thread that sleeps. From run to
// run a thread mostly gets the same pieces, whose weights its caches hold.
#pragma once

#include <atomic>
#include <cstdint>

namespace convnet {

class Relay {
 public:
  // Leader: piece(thread, i) is run for each i in [0, pieces), pieces < 65536; returns when all are
  // done.
  template <class Piece>
  void share(int pieces, const Piece& piece) {
    context_ = &piece;
    run_ = [](const void* context, int thread, int i) {
      (*static_cast<const Piece*>(context))(thread, i);
    };
    share_pieces(static_cast<uint64_t>(pieces));
  }
  // Leader: there is no more work.
  void finish() { ticket_.store(kOver, std::memory_order_release); }
  // Helper: takes pieces until the leader finishes.
  void help(int thread);

 private:
  static constexpr uint64_t kOver = UINT64_MAX;
  void share_pieces(uint64_t pieces);
  bool take(uint64_t ticket, int thread);

  const void* context_ = nullptr;
  void (*run_)(const void*, int, int) = nullptr;
  uint64_t round_ = 0;
  // Round, end and begin of the pieces that are left: a piece is taken by the one who moves either
  // while the round lasts.
  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<uint64_t> done_{0};
};

}  // namespace convnet
