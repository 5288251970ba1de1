#include "graph/run.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "core/denormals.h"
#include "core/thread_pool.h"
#include "core/weights_version.h"
#include "graph/relay_run.h"
#include "ops/op.h"

namespace convnet {

namespace {

constexpr int kMostOperands = 32;

size_t element_bytes(const Value& v) {
  return v.storage == Storage::Bits          ? sizeof(uint16_t)
         : v.storage == Storage::Accumulator ? sizeof(double)
                                             : sizeof(float);
}

// Elements from one shard, or slot, to the next.
int64_t stride(const Value& value, const Place& place, const Layout& layout) {
  if (place.pool == Pool::Rows) return value.features();
  const size_t slab = place.pool == Pool::Shared  ? layout.shared_bytes
                      : place.pool == Pool::Slots ? layout.slot_bytes
                                                  : 0;
  return static_cast<int64_t>(slab / element_bytes(value));
}

}  // namespace

Call make_call(const Graph& graph, const Node& node, const Layout& layout,
               const KernelTable& table) {
  Call call{.fn = table.fn[node.op->kernel], .node = &node};
  bool single = true;
  std::vector<ValueId> operands = node.inputs;
  operands.insert(operands.end(), node.outputs.begin(), node.outputs.end());
  if (operands.size() > kMostOperands)
    throw std::invalid_argument(std::string(node.op->name) + ": more than 32 operands");
  for (ValueId id : operands) {
    if (id == kNone) {
      call.places.push_back({Pool::Bound, SIZE_MAX});
      call.strides.push_back(0);
      continue;
    }
    const Value& value = graph.value(graph.root(id));
    const Place place = layout.places.at(graph.root(id));
    call.places.push_back(place);
    call.strides.push_back(stride(value, place, layout));
    if (value.depends_on_batch()) single = false;
  }
  for (ValueId id : node.outputs)
    call.slotted = call.slotted || graph.value(id).storage == Storage::Slotted;
  call.lanes = single ? 1 : graph.lanes();
  return call;
}

int crew_of(const Node& node, int threads) {
  return static_cast<int>(std::min<int64_t>({node.crew, threads, Crew::kMost}));
}

size_t end_of_chain(const std::vector<Call>& calls, size_t i) {
  do ++i;
  while (i < calls.size() && calls[i].follows);
  return i;
}

Workspace::Workspace(const Plan& plan)
    : plan_(plan), single_(aligned_zeros(plan.layout_.single_bytes)) {
  for (const auto& [id, place] : plan.layout_.places) {
    const Value& value = plan.graph_.value(id);
    if (value.role == Role::Constant && place.pool == Pool::Single)
      std::copy(value.constant.begin(), value.constant.end(),
                reinterpret_cast<float*>(single_.get() + place.offset));
  }
}

void Workspace::prepare(int threads, int64_t shards, int64_t slots, int64_t together) {
  if (shards > shared_count_) {
    shared_ = aligned_zeros(plan_.layout_.shared_bytes * static_cast<size_t>(shards));
    shared_count_ = shards;
  }
  if (slots > slot_count_) {
    slots_ = aligned_zeros(plan_.layout_.slot_bytes * static_cast<size_t>(slots));
    slot_count_ = slots;
  }
  // Shards run by all threads together are fewer than twice the threads, and each has a slab of its
  // own.
  const size_t slabs = static_cast<size_t>(
      std::max(together, std::min<int64_t>(std::max<int64_t>(threads, shards), 2 * threads + 1)));
  while (local_.size() < slabs) local_.push_back(aligned_zeros(plan_.layout_.local_bytes));
  while (scratch_.size() < static_cast<size_t>(threads)) {
    scratch_.push_back(aligned_zeros(plan_.layout_.scratch_bytes));
    pieces_.push_back(aligned_zeros(plan_.layout_.piece_bytes));
  }
  if (own_.size() < static_cast<size_t>(threads)) own_.resize(threads);
  for (auto& list : own_) list.reserve(static_cast<size_t>(shards));
}

RelayRun& Workspace::relay_run(int64_t shards, int threads) {
  if (!relay_run_ || !relay_run_->fits(shards, threads))
    relay_run_ = std::make_shared<RelayRun>(plan_, shards, threads);
  return *relay_run_;
}

void KernelRunner::run(const StepInfo& info, int thread, const Call& call,
                       const Portion& portion) const {
  if (portion.begin >= portion.end) return;
  static constexpr int64_t kFirst = 0;
  const int64_t* shards = portion.shards ? portion.shards : &kFirst;
  const int64_t shard = call.node->scope == Scope::Shard ? *shards : 0;
  void* data[kMostOperands];
  for (size_t i = 0; i < call.places.size(); ++i)
    data[i] = resolve(call.places[i], info, thread, shard, portion);
  const KernelArgs args{call.node->params.data(),
                        data,
                        call.strides.data(),
                        shards,
                        portion.shard_count,
                        portion.begin,
                        portion.end,
                        call.lanes,
                        call.slotted && shard >= info.slots,
                        &info,
                        ws_.scratch_[thread].get(),
                        portion.crew,
                        thread};
  if (timings_)
    timings_->measure(thread, call.index, [&] { call.fn(args); });
  else
    call.fn(args);
}

void KernelRunner::run_chain(const StepInfo& info, int thread, const Call* call, const Call* last,
                             int64_t begin, int64_t end) const {
  const int64_t piece = call + 1 == last ? end - begin : call->piece;
  for (; begin < end; begin += piece)
    for (const Call* each = call; each != last; ++each)
      run(info, thread, *each, {nullptr, 0, begin, std::min(begin + piece, end), 0});
}

void* KernelRunner::resolve(const Place& place, const StepInfo& info, int thread, int64_t shard,
                            const Portion& portion) const {
  const Layout& layout = plan_.layout_;
  switch (place.pool) {
    case Pool::Shared:
      return ws_.shared_.get() + static_cast<size_t>(shard) * layout.shared_bytes + place.offset;
    case Pool::Local:
      return ws_.local_[portion.slab].get() + place.offset;
    case Pool::Single:
      return ws_.single_.get() + place.offset;
    case Pool::Slots:
      return ws_.slots_.get() + static_cast<size_t>(shard % info.slots) * layout.slot_bytes +
             place.offset;
    case Pool::Bound:
      return place.offset == SIZE_MAX ? nullptr : bindings_[place.offset];
    case Pool::Piece:
      // Where the whole would begin: kernels count units from there.
      return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(ws_.pieces_[thread].get()) -
                                     static_cast<size_t>(portion.begin) * place.offset);
    case Pool::Rows: {
      const Feed& feed = info.feeds[place.offset];
      return feed.data + (info.first + shard) * feed.row_bytes;
    }
  }
  return nullptr;
}

// One call of Plan::run, shared by its threads.
class Runner {
 public:
  Runner(const Plan& plan, Workspace& workspace, void* const* bindings, const StepInfo* steps,
         int64_t count, const std::function<Poll()>& poll, int threads, bool fixed,
         Timings* timings)
      : plan_(plan),
        ws_(workspace),
        kernels_(plan, workspace, bindings, timings),
        steps_(steps),
        count_(count),
        poll_(poll),
        threads_(threads),
        fixed_(fixed),
        barrier_(threads) {}

  int64_t done() const { return done_; }

  void work(int thread) {
    FlushDenormals flush;
    int64_t tick = 0;
    for (int64_t i = 0; i < count_ && i <= last_step_; ++i)
      if (!step(thread, i, tick)) return;
  }

 private:
  const StepInfo& info() const { return steps_[current_]; }

  // Which shards each thread takes alone; the rest is shared by all of them.
  void assign() {
    const int64_t shards = info().shards, slots = info().slots;
    int64_t best = -1;
    double best_cost = 0;
    for (int64_t lead = std::max<int64_t>(0, shards - std::min<int64_t>(slots, 2 * threads_));
         lead <= shards; ++lead) {
      double most = 0, rest = 0;
      for (int t = 0; t < threads_; ++t) most = std::max(most, owned(lead, slots, t));
      for (int64_t s = lead; s < shards; ++s) rest += load(s);
      const double cost = most + 1.1 * rest / threads_;
      if (best < 0 || cost < best_cost) best = lead, best_cost = cost;
    }
    lead_ = best;
    for (int t = 0; t < threads_; ++t) {
      ws_.own_[t].clear();
      for (int64_t s = 0; s < lead_; ++s)
        if (s % slots % threads_ == t) ws_.own_[t].push_back(s);
    }
    rest_.resize(shards - lead_);
    std::iota(rest_.begin(), rest_.end(), lead_);
    if (shards - lead_ < threads_)
      for (auto& crews : crews_) crews.resize(shards - lead_);
  }

  // What a shard takes, beside a full one: much of the work is done for its live samples only.
  double load(int64_t shard) const {
    constexpr double kOfAny = 0.25;
    if (plan_.graph_.lanes() == 1) return 1;
    return kOfAny + (1 - kOfAny) * static_cast<double>(info().live_of(shard)) / kLanes;
  }

  double owned(int64_t lead, int64_t slots, int thread) const {
    double sum = 0;
    for (int64_t s = 0; s < lead; ++s)
      if (s % slots % threads_ == thread) sum += load(s);
    return sum;
  }

  // Returns false where the run was cancelled. `tick` counts the stages of the run.
  bool step(int thread, int64_t index, int64_t& tick) {
    if (thread == 0) {
      current_ = index;
      assign();
    }
    barrier_.wait();
    for (size_t s = 0; s < plan_.stages_.size(); ++s) {
      const Stage& stage = plan_.stages_[s];
      if (stage.fixed && !fixed_ && index == 0) continue;
      if (stage.fixed && index > 0 && !plan_.updates()) continue;
      const bool last = s + 1 == plan_.stages_.size();
      // Weights are not touched yet: the step may be given up.
      const bool open = s < plan_.first_update_ && !last;
      ++tick;
      if (stage.split)
        split(thread, plan_.calls_[s], open ? tick : 0);
      else
        shards(thread, plan_.calls_[s], open ? tick : 0);
      if (thread == 0 && (last || open)) ask(open ? tick : 0);
      barrier_.wait();
      if (cancel_tick_ <= tick) return false;
    }
    if (thread == 0) ++done_;
    return true;
  }

  // The caller's thread asks now and then whether to go on; a stage with a tick may be given up.
  // Other threads may be one stage behind, so they are told which step or stage is the last.
  void ask(int64_t tick) {
    if (!poll_ || last_step_ <= current_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - asked_ < kPollInterval) return;
    asked_ = now;
    const Poll answer = poll_();
    if (answer == Poll::go_on) return;
    last_step_ = current_;
    if (answer == Poll::cancel && tick) cancel_tick_ = tick;
  }

  bool given_up(int thread, int64_t tick) {
    if (thread == 0 && tick) ask(tick);
    return tick && cancel_tick_ <= tick;
  }

  void split(int thread, const std::vector<Call>& calls, int64_t tick) {
    for (size_t i = 0, end; i < calls.size(); i = end) {
      end = end_of_chain(calls, i);
      if (given_up(thread, tick)) return;
      const int64_t units = calls[i].node->units;
      kernels_.run_chain(info(), thread, calls.data() + i, calls.data() + end,
                         units * thread / threads_, units * (thread + 1) / threads_);
    }
  }

  // A stage that may be given up has its tick, others have none.
  void shards(int thread, const std::vector<Call>& calls, int64_t tick) {
    const auto& own = ws_.own_[thread];
    if (!own.empty())
      for (size_t i = 0; i < calls.size();) {
        size_t end = i;
        while (end < calls.size() && calls[end].node->scope == Scope::Shard) ++end;
        for (int64_t shard : own) {
          for (size_t c = i; c < end; ++c)
            run(thread, calls[c], &shard, 1, 0, calls[c].node->units, thread);
          if (given_up(thread, tick)) break;
        }
        if (end < calls.size())
          run(thread, calls[end], own.data(), static_cast<int64_t>(own.size()), 0,
              calls[end].node->units, thread);
        if (given_up(thread, tick)) break;
        i = end + 1;
      }
    if (rest_.empty()) return;
    assemble(thread, calls, 0);
    barrier_.wait();
    for (size_t c = 0; c < calls.size(); ++c) {
      together(thread, calls[c], crews_[c % 2]);
      assemble(thread, calls, c + 1);
      barrier_.wait();
    }
  }

  // Whether a call for the shards left over has too few units to be divided by them.
  bool shared(const Call& call) const {
    return call.node->crew > 1 && call.node->units * static_cast<int64_t>(rest_.size()) < threads_;
  }

  // Makes the crews of a call ready; those of the call before it are still at work.
  void assemble(int thread, const std::vector<Call>& calls, size_t c) {
    if (thread || c == calls.size() || !shared(calls[c])) return;
    for (Crew& crew : crews_[c % 2])
      crew.assemble(crew_of(*calls[c].node, threads_), &wait_patiently);
  }

  // All threads on one node for the shards left over: each takes its share of their load.
  void together(int thread, const Call& call, std::vector<Crew>& crews) {
    const int64_t units = call.node->units, left = static_cast<int64_t>(rest_.size());
    if (shared(call)) {
      for (int64_t r = 0; r < left && thread < crews[r].parts; ++r)
        kernels_.run(info(), thread, call,
                     {&rest_[r], 1, 0, units, static_cast<int>(r), &crews[r]});
      return;
    }
    if (call.node->scope == Scope::Group) {
      run(thread, call, rest_.data(), left, units * thread / threads_,
          units * (thread + 1) / threads_, 0);
      return;
    }
    double all = 0, before = 0;
    for (int64_t shard : rest_) all += load(shard);
    for (int64_t r = 0; r < left; ++r) {
      const double own = load(rest_[r]);
      // Units of this shard that threads before `t` do.
      const auto cut = [&](int t) {
        const double part = t == threads_ ? 1 : (all * t / threads_ - before) / own;
        return std::llround(std::clamp(part, 0.0, 1.0) * static_cast<double>(units));
      };
      const int64_t begin = cut(thread), end = cut(thread + 1);
      if (begin < end) run(thread, call, &rest_[r], 1, begin, end, static_cast<int>(r));
      before += own;
    }
  }

  void run(int thread, const Call& call, const int64_t* shards, int64_t shard_count, int64_t begin,
           int64_t end, int slab) {
    kernels_.run(info(), thread, call, {shards, shard_count, begin, end, slab});
  }

  const Plan& plan_;
  Workspace& ws_;
  const KernelRunner kernels_;
  const StepInfo* steps_;
  const int64_t count_;
  const std::function<Poll()>& poll_;
  const int threads_;
  const bool fixed_;  // whether the first step runs the fixed stages
  Barrier barrier_;
  int64_t current_ = 0, done_ = 0, lead_ = 0;
  std::vector<int64_t> rest_;
  std::array<std::vector<Crew>, 2> crews_;  // of every other call, for each shard of the rest
  // Written by thread 0, read by all: the step and the stage after which to stop.
  std::atomic<int64_t> last_step_{INT64_MAX}, cancel_tick_{INT64_MAX};
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
};

// Brings to an end what steps have put off; `last` is the last one done.
void Plan::close(void* const* bindings, const StepInfo& last, int threads, Workspace& workspace,
                 Timings* timings) const {
  const KernelRunner kernels(*this, workspace, bindings, timings);
  const auto run_with = [&](int team) {
    const auto body = [&](int thread) {
      FlushDenormals flush;
      for (const Call& call : closing_calls_) {
        const int64_t units = call.node->units;
        kernels.run(last, thread, call,
                    {nullptr, 0, units * thread / team, units * (thread + 1) / team, 0});
      }
    };
    if (team > 1) return ThreadPool::instance().try_run(team, body);
    body(0);
    return true;
  };
  if (!run_with(threads)) run_with(1);
}

// Weights that a GPU has changed come back; of those that are to change its copy is out of date.
void Plan::fetch_weights(void* const* bindings) const {
  if (!mirrors_exist()) return;
  for (const auto& [id, index] : outside_.bound)
    if (binding_used_[index])
      fetch({static_cast<char*>(bindings[index]), graph_.value(id).bytes()}, updates());
}

int64_t Plan::run(void* const* bindings, const StepInfo* steps, int64_t count,
                  const std::function<Poll()>& poll, Timings* timings) const {
  if (count == 0) return 0;
  fetch_weights(bindings);
  int64_t shards = 0, slots = 0;
  for (int64_t i = 0; i < count; ++i)
    shards = std::max(shards, steps[i].shards), slots = std::max(slots, steps[i].slots);
  auto workspace = acquire();
  int64_t done = 0;
  // Weights that change during the run are seen by the next one.
  const uint64_t version = weights_version();
  const bool fixed = updates() || !workspace->keeps(version);
  // Another run has the pool: this one goes on alone.
  const auto run_with = [&](int threads) {
    workspace->prepare(threads, shards, slots);
    if (timings) timings->start(threads, call_count_);
    Runner runner(*this, *workspace, bindings, steps, count, poll, threads, fixed, timings);
    const auto body = [&](int thread) { runner.work(thread); };
    if (threads > 1 && !ThreadPool::instance().try_run(threads, body)) return false;
    if (threads == 1) body(0);
    done = runner.done();
    return true;
  };
  int most = threads(shards);
  if (most > 1 && graph_.lanes() == 1) {
    workspace->prepare(most, shards, slots, shards);
    if (timings) timings->start(most, call_count_);
    done = run_as_relay(*this, *workspace, bindings, steps, count, most, fixed, poll, timings);
  } else if (!run_with(most)) {
    run_with(most = 1);
  }
  if (done > 0 && !closing_calls_.empty())
    close(bindings, steps[done - 1], most, *workspace, timings);
  if (updates()) {
    fetch_weights(bindings);
    weights_changed();
  } else if (done > 0) {
    workspace->keep(version);
  }
  release(std::move(workspace));
  return done;
}

}  // namespace convnet
