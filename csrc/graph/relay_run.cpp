// Runs of a few samples: each call is cut into pieces that whoever is awake takes, as soon as what
// they wait for is done.
#include "graph/relay_run.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "core/denormals.h"
#include "core/thread_pool.h"

namespace convnet {

RelayRun::RelayRun(const Plan& plan, int64_t shards, int threads)
    : threads_(threads),
      cuts_(plan.flow().cuts(shards, threads)),
      relay_(plan.flow().tasks(cuts_, threads)) {
  for (size_t s = 0; s < plan.stages().size(); ++s) {
    const std::vector<Call>& calls = plan.calls(s);
    for (size_t i = 0, end; i < calls.size(); i = end) {
      end = end_of_chain(calls, i);
      sites_.push_back({calls.data() + i, calls.data() + end, plan.stages()[s].split});
      unchanged_.push_back(plan.stages()[s].fixed && !plan.updates());
    }
  }
  none_.resize(sites_.size());
  shards_.resize(static_cast<size_t>(shards));
  std::iota(shards_.begin(), shards_.end(), 0);
}

void RelayRun::run_piece(const KernelRunner& kernels, const StepInfo& info, int thread, int task,
                         int piece, Crew* crew) const {
  const auto [call, last, split] = sites_[task];
  const Cut& cut = cuts_[task];
  const int64_t begin = cut.begin(piece), end = cut.begin(piece + 1), units = cut.units;
  if (split) return kernels.run_chain(info, thread, call, last, begin, end);
  if (call->node->scope != Scope::Shard && cut.shards == 1)
    return kernels.run(info, thread, *call, {shards_.data(), info.shards, begin, end, 0});
  if (call->node->scope == Scope::Group) {
    kernels.run(info, thread, *call, {&shards_[begin / units], (end - begin) / units, 0, units, 0});
    return;
  }
  // Each shard has a slab of its own.
  for (int64_t s = begin / units; s * units < end; ++s)
    kernels.run(info, thread, *call,
                {&shards_[s], 1, std::max<int64_t>(begin - s * units, 0),
                 std::min(end - s * units, units), static_cast<int>(s), crew});
}

// Runs `steps` of one size, the first of them with the fixed calls where `fixed` says so; `go_on`
// is asked between them.
int64_t RelayRun::lead(const KernelRunner& kernels, const StepInfo* steps, int64_t count,
                       bool fixed, const std::function<bool()>& go_on) {
  int64_t done = 0;
  const std::function<void(int)> body = [&](int thread) {
    FlushDenormals flush;
    if (thread) return relay_.help(thread);
    for (; done < count && (done == 0 || go_on()); ++done) {
      const auto piece = [&](int worker, int task, int i, Crew* crew) {
        run_piece(kernels, steps[done], worker, task, i, crew);
      };
      relay_.lead(piece, fixed && !done ? none_ : unchanged_);
    }
    relay_.finish();
  };
  relay_.open();
  // Another run has the pool: the leader goes on without help.
  if (!ThreadPool::instance().try_run(threads_, body, true)) body(0);
  return done;
}

int64_t run_as_relay(const Plan& plan, Workspace& workspace, void* const* bindings,
                     const StepInfo* steps, int64_t count, int threads, bool fixed,
                     const std::function<Poll()>& poll, Timings* timings) {
  const KernelRunner kernels(plan, workspace, bindings, timings);
  auto asked = std::chrono::steady_clock::now();
  const auto go_on = [&] {
    const auto now = std::chrono::steady_clock::now();
    if (!poll || now - asked < kPollInterval) return true;
    asked = now;
    return poll() == Poll::go_on;
  };
  int64_t done = 0;
  while (done < count && (done == 0 || go_on())) {
    const int64_t shards = steps[done].shards;
    int64_t equal = 1;
    while (done + equal < count && steps[done + equal].shards == shards) ++equal;
    const int64_t finished = workspace.relay_run(shards, threads)
                                 .lead(kernels, steps + done, equal, fixed && done == 0, go_on);
    done += finished;
    if (finished < equal) break;
  }
  return done;
}

}  // namespace convnet
