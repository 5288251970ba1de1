// Short work in many pieces, run by a leader and by helpers as soon as they are awake: the leader
// goes through it at once and alone if need be, nobody waits for a thread that sleeps. Pieces
// belong to tasks and wait for pieces of tasks before them, so that one task may follow another
// closely. Who finds no piece joins one of those that a crew may share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/kernel.h"

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
    int crew = 1;          // threads that may share a piece
    std::vector<std::vector<Need>> pieces;
  };

  explicit Relay(std::vector<Task> tasks);

  // Leader: piece(thread, task, i, crew) is run for each piece of each task but those in `skipped`,
  // by all of a crew where that is not null; returns when all are done.
  template <class Piece>
  void lead(const Piece& piece, const std::vector<bool>& skipped) {
    context_ = &piece;
    run_ = [](const void* context, int thread, int task, int i, Crew* crew) {
      (*static_cast<const Piece*>(context))(thread, task, i, crew);
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

  // A piece at work that others may join.
  struct Joint {
    alignas(64) std::atomic<uint32_t> door{0};  // kTaken, kOpen, and how many are inside
    int piece = 0;
    Crew crew;
  };
  static constexpr uint32_t kTaken = 1 << 30, kOpen = 1 << 31, kInside = kTaken - 1;

  void lead_round(const std::vector<bool>& skipped);
  bool ready(const std::vector<Need>& needs, uint64_t round) const;
  bool take(int thread, uint64_t round, size_t& first);
  void run(int thread, int task, int piece);
  bool join(int thread);
  uint64_t all(size_t task) const { return (uint64_t{1} << tasks_[task].pieces.size()) - 1; }

  const std::vector<Task> tasks_;
  const std::unique_ptr<State[]> states_;
  std::vector<std::unique_ptr<Joint>> joints_;  // by task; null where there are no crews
  std::vector<int> shared_;                     // tasks that have one
  const void* context_ = nullptr;
  void (*run_)(const void*, int, int, int, Crew*) = nullptr;
  uint64_t last_round_ = 0;
  alignas(64) std::atomic<uint64_t> round_{kIdle};
};

}  // namespace convnet
