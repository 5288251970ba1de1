// Short work in many pieces, run by a leader and by helpers as soon as they are awake: the leader
// goes through it at once and alone if need be, nobody waits for a thread that sleeps. Pieces
// belong to tasks and wait for pieces of tasks before them, so that one task may follow another
// closely.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace convnet {

class Relay {
 public:
  static constexpr int kMostPieces = 32;

  // Pieces, a bit each, of a task that must be done.
  struct Need {
    int task;
    uint32_t pieces;
  };
  struct Task {
    bool leaders = false;  // too short to be worth handing over
    std::vector<std::vector<Need>> pieces;
  };

  explicit Relay(std::vector<Task> tasks);

  // Leader: piece(thread, task, i) is run for each piece of each task but those in `skipped`;
  // returns when all are done.
  template <class Piece>
  void lead(const Piece& piece, const std::vector<bool>& skipped) {
    context_ = &piece;
    run_ = [](const void* context, int thread, int task, int i) {
      (*static_cast<const Piece*>(context))(thread, task, i);
    };
    lead_round(skipped);
  }
  // Leader: before the first helper may come, and after the last round.
  void open() { round_.store(kIdle, std::memory_order_relaxed); }
  void finish() { round_.store(kOver, std::memory_order_release); }
  // Helper: takes pieces until the leader finishes.
  void help(int thread);

 private:
  static constexpr uint64_t kOver = UINT64_MAX, kIdle = kOver - 1;
  // Both: the number of the round, and a bit for each piece.
  struct alignas(64) State {
    std::atomic<uint64_t> taken{0}, done{0};
  };

  void lead_round(const std::vector<bool>& skipped);
  bool ready(const std::vector<Need>& needs, uint64_t round) const;
  bool take(int thread, uint64_t round, size_t& first);
  uint64_t all(size_t task) const { return (uint64_t{1} << tasks_[task].pieces.size()) - 1; }

  const std::vector<Task> tasks_;
  const std::unique_ptr<State[]> states_;
  const void* context_ = nullptr;
  void (*run_)(const void*, int, int, int) = nullptr;
  uint64_t last_round_ = 0;
  alignas(64) std::atomic<uint64_t> round_{kIdle};
};

}  // namespace convnet
