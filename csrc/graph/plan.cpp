#include "graph/plan.h"

#include <algorithm>
#include <stdexcept>

#include "core/thread_pool.h"
#include "cpu/dispatch.h"
#include "graph/flow.h"
#include "graph/run.h"
#include "ops/op.h"

namespace convnet {

namespace {

constexpr int64_t kMostSlots = 24;  // divides evenly over 1, 2, 3, 4, 6, 8, 12 and 24 threads
// Operations that pay for another thread: some 40 microseconds of one, where that may have to be
// woken; some 10 where the work goes on without it.
constexpr int64_t kLeastShared = 1 << 21, kLeastRelayed = 1 << 19;
constexpr size_t kSlotBudget = size_t{64} << 20;

int64_t work_of(const Graph& graph, const Node& node) {
  int64_t results = 0;
  for (ValueId id : node.outputs) results += graph.value(id).features();
  return std::max(node.work, results);
}

// Operations for one sample that threads can share; none where a sample's work is in one piece.
int64_t shared_work(const Graph& graph, const Stage& stage) {
  int64_t work = 0;
  size_t begin = 0;
  for (size_t end : stage.level_ends) {
    for (size_t i = begin; i < end; ++i) {
      const Node& node = graph.nodes()[stage.nodes[i]];
      if (end - begin > 1 || node.units > 1) work += work_of(graph, node);
    }
    begin = end;
  }
  return work;
}

}  // namespace

Plan::Plan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
           const std::vector<ValueId>& bound, bool in_place)
    : Program(graph, std::move(outputs), capacity, bound),
      in_place_(in_place && graph.lanes() == 1) {
  int input = 0;
  for (size_t v = 0; v < graph_.values().size(); ++v)
    if (graph_.value(static_cast<ValueId>(v)).role == Role::Input && in_place_)
      outside_.rows.emplace(static_cast<ValueId>(v), input++);
  const auto live = live_nodes(bound, [&](size_t i) {
    if (!leaves_as_row(outputs_[i])) return false;
    outside_.rows.emplace(graph_.root(outputs_[i]), input_count_ + static_cast<int>(i));
    return true;
  });
  stages_ = schedule(graph_, live, outside_);
  layout_ = plan_memory(graph_, stages_, outside_, capacity_);
  binding_used_.resize(binding_count_);
  for (const auto& [id, place] : layout_.places)
    if (place.pool == Pool::Bound) binding_used_[place.offset] = true;
  first_update_ =
      std::find_if(stages_.begin(), stages_.end(), [](const Stage& s) { return s.update; }) -
      stages_.begin();
  const KernelTable& table = kernels();
  isa_ = table.isa;
  for (const Stage& stage : stages_) {
    auto& calls = calls_.emplace_back();
    for (NodeId n : stage.nodes)
      calls.push_back(make_call(graph_, graph_.nodes()[n], layout_, table));
    for (size_t i = 0; i < calls.size(); ++i) {
      calls[i].index = call_count_++;
      if (i == 0 || stage.follows.empty() || !stage.follows[i]) continue;
      calls[i].follows = true;
      calls[i - 1].piece = units_of_piece(calls[i].node->input_spans[0].size);
    }
    for (NodeId n : stage.nodes) work_ += work_of(graph_, graph_.nodes()[n]);
    shared_work_ += shared_work(graph_, stage);
  }
  for (const Node& node : graph_.nodes())
    if (node.closing) {
      closing_calls_.push_back(make_call(graph_, node, layout_, table));
      closing_calls_.back().index = call_count_++;
    }
  if (graph_.lanes() == 1 && pays_for_threads(capacity_))
    flow_ = std::make_unique<Flow>(graph_, stages_, layout_);
}

Plan::~Plan() = default;

// Whether kernels can write a result where the caller wants it: a sample lies there as in a shard
// of one sample.
bool Plan::leaves_as_row(ValueId output) const {
  const ValueId root = graph_.root(output);
  const Value& value = graph_.value(root);
  return in_place_ && value.storage == Storage::Batched && value.role == Role::Temporary &&
         graph_.value(output).fold == 1 && !outside_.rows.count(root) &&
         !outside_.bound.count(root);
}

int64_t Plan::slots(int64_t shards) const {
  int64_t most = kMostSlots;
  while (most > 4 && static_cast<size_t>(most) * layout_.slot_bytes > kSlotBudget) most /= 2;
  return std::min(shards, most);
}

bool Plan::pays_for_threads(int64_t shards) const {
  const bool by_row = graph_.lanes() == 1 && shards > 1;
  return (by_row ? work_ : shared_work_) * shards * graph_.lanes() >=
         (graph_.lanes() == 1 ? kLeastRelayed : kLeastShared);
}

std::vector<TimedCall> Plan::timed_calls() const {
  std::vector<TimedCall> calls;
  // Fixed stages run once, or not at all where their results were kept.
  for (size_t s = 0; s < stages_.size(); ++s)
    for (const Call& call : calls_[s]) calls.push_back({call.node, stages_[s].fixed && !updates()});
  for (const Call& call : closing_calls_) calls.push_back({call.node, true});
  return calls;
}

int Plan::threads(int64_t shards) const { return pays_for_threads(shards) ? num_threads() : 1; }

std::unique_ptr<Workspace> Plan::acquire() const {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Workspace>(*this);
  auto workspace = std::move(idle_.back());
  idle_.pop_back();
  return workspace;
}

void Plan::release(std::unique_ptr<Workspace> workspace) const {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(workspace));
}

}  // namespace convnet
