// Runs of a few samples: each call is cut into pieces that whoever is awake takes.
#include <algorithm>
#include <numeric>

#include "core/denormals.h"
#include "core/thread_pool.h"
#include "graph/relay.h"
#include "graph/run.h"

namespace convnet {

namespace {

constexpr int64_t kLeastPiece = 1 << 16;  // operations: a microsecond or two
constexpr int64_t kPiecesOfThread = 2;    // so that threads that come late find some

// Units [begin, end) of a call.
struct Piece {
  const Call* call;
  int64_t begin, end;
  bool split, by_shard;
};

class RelayRun {
 public:
  RelayRun(const Plan& plan, Workspace& workspace, void* const* bindings, int threads, bool fixed,
           Timings* timings)
      : plan_(plan),
        kernels_(plan, workspace, bindings, timings),
        threads_(threads),
        fixed_(fixed) {}

  void lead(const StepInfo* steps, int64_t count, const std::function<Poll()>& poll) {
    FlushDenormals flush;
    for (; done_ < count; ++done_) {
      if (done_ && poll && poll() != Poll::go_on) break;
      step(steps[done_], fixed_ && done_ == 0);
    }
    relay_.finish();
  }
  void help(int thread) {
    FlushDenormals flush;
    relay_.help(thread);
  }
  int64_t done() const { return done_; }

 private:
  void step(const StepInfo& info, bool fixed) {
    shards_.resize(static_cast<size_t>(info.shards));
    std::iota(shards_.begin(), shards_.end(), 0);
    for (size_t s = 0; s < plan_.stages().size(); ++s) {
      if (plan_.stages()[s].fixed && !fixed) continue;
      const Stage& stage = plan_.stages()[s];
      size_t begin = 0;
      for (size_t end : stage.level_ends) {
        share(info, plan_.calls(s).data() + begin, end - begin, stage.split);
        begin = end;
      }
    }
  }

  // Calls that do not depend on each other, each cut into pieces, all of them shared at once.
  void share(const StepInfo& info, const Call* calls, size_t count, bool split) {
    pieces_.clear();
    int64_t work = 0;
    for (size_t c = 0; c < count; ++c) {
      const Call& call = calls[c];
      const bool by_shard = !split && call.node->scope == Scope::Shard;
      const int64_t units = call.node->units * (by_shard ? info.shards : 1);
      const int64_t operations = call.node->work * info.shards;
      const int64_t most = std::min(operations / kLeastPiece, kPiecesOfThread * threads_);
      const int64_t n = std::max<int64_t>(1, std::min(units, most));
      for (int64_t i = 0; i < n; ++i)
        pieces_.push_back({&call, units * i / n, units * (i + 1) / n, split, by_shard});
      work += operations;
    }
    const auto piece = [&](int thread, int i) {
      run(info, thread, pieces_[static_cast<size_t>(i)]);
    };
    const int total = static_cast<int>(pieces_.size());
    if (total > 1 && work > kLeastPiece)
      relay_.share(total, piece);
    else
      for (int i = 0; i < total; ++i) piece(0, i);
  }

  void run(const StepInfo& info, int thread, const Piece& piece) {
    if (piece.by_shard)
      run_shards(info, thread, *piece.call, piece.begin, piece.end);
    else
      kernels_.run(info, thread, *piece.call,
                   {piece.split ? nullptr : shards_.data(), piece.split ? 0 : info.shards,
                    piece.begin, piece.end, 0});
  }

  // Units [begin, end) of those of all shards, counted through. Each shard has a slab of its own.
  void run_shards(const StepInfo& info, int thread, const Call& call, int64_t begin, int64_t end) {
    const int64_t units = call.node->units;
    for (int64_t s = begin / units; s * units < end; ++s)
      kernels_.run(info, thread, call,
                   {&shards_[s], 1, std::max<int64_t>(begin - s * units, 0),
                    std::min(end - s * units, units), static_cast<int>(s)});
  }

  const Plan& plan_;
  const KernelRunner kernels_;
  const int64_t threads_;
  const bool fixed_;
  std::vector<int64_t> shards_;
  std::vector<Piece> pieces_;
  int64_t done_ = 0;
  Relay relay_;
};

}  // namespace

int64_t run_as_relay(const Plan& plan, Workspace& workspace, void* const* bindings,
                     const StepInfo* steps, int64_t count, int threads, bool fixed,
                     const std::function<Poll()>& poll, Timings* timings) {
  RelayRun run(plan, workspace, bindings, threads, fixed, timings);
  const std::function<void(int)> body = [&](int thread) {
    thread ? run.help(thread) : run.lead(steps, count, poll);
  };
  // Another run has the pool: the leader goes on without help.
  if (!ThreadPool::instance().try_run(threads, body, true)) body(0);
  return run.done();
}

}  // namespace convnet
