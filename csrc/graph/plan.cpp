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

// Nodes that outputs, bound gradients, updates or states need.
std::vector<bool> live_nodes(const Graph& graph, const std::vector<ValueId>& wanted) {
  std::vector<bool> live(graph.nodes().size());
  std::vector<bool> needed(graph.values().size());
  for (ValueId id : wanted) needed[id] = needed[graph.root(id)] = true;
  for (size_t n = live.size(); n-- > 0;) {
    const Node& node = graph.nodes()[n];
    if (node.dead) continue;
    live[n] = node.update || node.impure ||
              std::any_of(node.outputs.begin(), node.outputs.end(),
                          [&](ValueId id) { return needed[id]; });
    if (!live[n]) continue;
    for (ValueId id : node.inputs)
      if (id != kNone) needed[id] = needed[graph.root(id)] = true;
  }
  return live;
}

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

bool needs_binding(const Value& v) { return v.role == Role::Parameter || v.role == Role::State; }

}  // namespace

Plan::Plan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
           const std::vector<ValueId>& bound, bool in_place)
    : graph_(graph),
      outputs_(std::move(outputs)),
      capacity_(capacity),
      in_place_(in_place && graph.lanes() == 1) {
  if (capacity < 1)
    throw std::invalid_argument("Plan: capacity must be at least 1, got " +
                                std::to_string(capacity));
  std::vector<ValueId> wanted = bound;
  graph_.set_label("output");
  auto& [bindings, rows] = outside_;
  for (size_t v = 0; v < graph_.values().size(); ++v) {
    const auto id = static_cast<ValueId>(v);
    if (needs_binding(graph_.value(id))) bindings.emplace(id, 0);
    if (graph_.value(id).role != Role::Input) continue;
    if (in_place_) rows.emplace(id, input_count_);
    ++input_count_;
  }
  for (ValueId id : bound) bindings.emplace(id, 0);
  for (auto& [id, index] : bindings) index = static_cast<int>(binding_count_++);
  // Results leave as rows or through `scatter` nodes; their feeds follow those of the inputs.
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const int feed = input_count_ + static_cast<int>(i);
    const bool row = leaves_as_row(outputs_[i]);
    if (row) rows.emplace(graph_.root(outputs_[i]), feed);
    wanted.push_back(row ? outputs_[i]
                         : graph_.add("scatter", {outputs_[i]}, {{"feed", int64_t{feed}}})[0]);
  }

  stages_ = schedule(graph_, live_nodes(graph_, wanted), outside_);
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

int Plan::binding(ValueId value) const {
  auto it = outside_.bound.find(value);
  return it == outside_.bound.end() ? -1 : it->second;
}

int64_t Plan::binding_size(ValueId value) const { return graph_.value(value).features(); }

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
