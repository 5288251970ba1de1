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

class RelayRun {
 public:
  RelayRun(const Plan& plan, Workspace& workspace, void* const* bindings, int threads, bool fixed)
      : plan_(plan), kernels_(plan, workspace, bindings), threads_(threads), fixed_(fixed) {}

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
      for (const Call& call : plan_.calls(s)) share(info, call, plan_.stages()[s].split);
    }
  }

  void share(const StepInfo& info, const Call& call, bool split) {
    const int64_t most =
        std::min(call.node->work * info.shards / kLeastPiece, kPiecesOfThread * threads_);
    const bool by_shard = !split && call.node->scope == Scope::Shard;
    // A group's weights are read by one thread each where they can be cut, by all where they are
    // few.
    const bool group = !split && !by_shard, by_row = group && call.node->units < most;
    const int64_t units = by_row ? info.shards : call.node->units * (by_shard ? info.shards : 1);
    const int64_t pieces = std::max<int64_t>(1, std::min(units, most));
    const auto piece = [&](int thread, int i) {
      const int64_t begin = units * i / pieces, end = units * (i + 1) / pieces;
      if (by_shard)
        run_shards(info, thread, call, begin, end);
      else if (by_row)
        kernels_.run(info, thread, call,
                     {shards_.data() + begin, end - begin, 0, call.node->units, 0});
      else
        kernels_.run(info, thread, call,
                     {group ? shards_.data() : nullptr, group ? info.shards : 0, begin, end, 0});
    };
    if (pieces == 1)
      piece(0, 0);
    else
      relay_.share(static_cast<int>(pieces), piece);
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
  int64_t done_ = 0;
  Relay relay_;
};

}  // namespace

int64_t run_as_relay(const Plan& plan, Workspace& workspace, void* const* bindings,
                     const StepInfo* steps, int64_t count, int threads, bool fixed,
                     const std::function<Poll()>& poll) {
  RelayRun run(plan, workspace, bindings, threads, fixed);
  const std::function<void(int)> body = [&](int thread) {
    thread ? run.help(thread) : run.lead(steps, count, poll);
  };
  // Another run has the pool: the leader goes on without help.
  if (!ThreadPool::instance().try_run(threads, body, true)) body(0);
  return run.done();
}

}  // namespace convnet
