// Cuts the graph into stages. Shard work runs as far as it can without a barrier; what needs the
// whole batch comes as late as it may; updates of weights and metrics come last (updates.cpp).
// Where weights change with every step, what is made of large ones is made when it is read next: it
// is still in a cache then, and the next one may lie in the same memory.
#include <algorithm>
#include <iterator>

#include "graph/plan.h"
#include "ops/op.h"

namespace convnet {

namespace {

constexpr size_t kLarge = size_t{1} << 20;  // bytes: a second-level cache

// Whether a node is divided over threads by its units rather than by shards.
bool is_split(const Graph& graph, const Node& node) {
  if (node.scope == Scope::Batch) return true;
  for (ValueId id : node.outputs)
    if (graph.value(id).depends_on_batch()) return false;
  for (ValueId id : node.inputs)
    if (id != kNone && graph.value(id).depends_on_batch()) return false;
  return true;
}

class Scheduler {
 public:
  Scheduler(const Graph& graph, const std::vector<bool>& live)
      : graph_(graph),
        pending_(live),
        available_(graph.values().size()),
        fixed_(available_.size()),
        late_(live.size()) {
    for (size_t v = 0; v < available_.size(); ++v) {
      const Value& value = graph.value(static_cast<ValueId>(v));
      available_[v] = value.producer == kNone;
      fixed_[v] = available_[v];
    }
  }

  std::vector<Stage> run(const Outside& outside) {
    take_views(outside);
    std::vector<Stage> updates = schedule_updates(graph_, pending_, outside);
    for (const Stage& stage : updates)
      for (NodeId n : stage.nodes) pending_[n] = false;
    for (size_t n = 0; n < pending_.size(); ++n)
      if (graph_.nodes()[n].closing) pending_[n] = false;
    if (!updates.empty() && graph_.lanes() == kLanes) put_off(outside);
    bool split = true;
    int idle = 0;
    while (idle < 2) {
      Stage stage{.split = split, .fixed = true};
      // A split stage is one level: what it makes is there after the barrier only.
      while (collect(stage) && !split) {
      }
      idle = stage.nodes.empty() ? idle + 1 : 0;
      if (!stage.nodes.empty()) stages_.push_back(std::move(stage));
      split = !split;
    }
    std::move(updates.begin(), updates.end(), std::back_inserter(stages_));
    for (Stage& stage : stages_)
      if (stage.level_ends.empty()) stage.level_ends.push_back(stage.nodes.size());
    return std::move(stages_);
  }

 private:
  bool ready(const Node& node) const {
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](ValueId id) { return id == kNone || available_[graph_.root(id)]; });
  }

  // Views have no kernel; inputs that are read where they lie need none: nothing to run.
  void take_views(const Outside& outside) {
    for (size_t n = 0; n < pending_.size(); ++n) {
      const Node& node = graph_.nodes()[n];
      const bool read = !node.outputs.empty() && outside.rows.count(node.outputs[0]) &&
                        graph_.value(node.outputs[0]).role == Role::Input;
      if (read) available_[node.outputs[0]] = true;
      if (read || node.op->view) pending_[n] = false;
    }
  }

  // Whether a node is made of weights and constants only.
  bool of_weights(const Node& node) const {
    return !node.impure && !node.inputs.empty() &&
           std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](ValueId id) { return id == kNone || fixed_[graph_.root(id)]; });
  }

  // Finds what is made of large weights for nodes that run shard by shard.
  void put_off(const Outside& outside) {
    std::vector<bool> read_otherwise(available_.size());
    for (size_t n = 0; n < pending_.size(); ++n) {
      const Node& node = graph_.nodes()[n];
      if (node.dead || node.op->view || (pending_[n] && !is_split(graph_, node))) continue;
      for (ValueId id : node.inputs)
        if (id != kNone) read_otherwise[graph_.root(id)] = true;
    }
    for (size_t n = 0; n < pending_.size(); ++n) {
      const Node& node = graph_.nodes()[n];
      if (!pending_[n] || node.outputs.size() != 1 || !is_split(graph_, node)) continue;
      const ValueId out = node.outputs[0];
      late_[n] = of_weights(node) && graph_.value(out).bytes() >= kLarge && !read_otherwise[out] &&
                 !outside.bound.count(out);
    }
  }

  // Whether a node waits for nothing but nodes that were put off.
  bool due(const Node& node) const {
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      const NodeId maker = id == kNone ? kNone : graph_.value(graph_.root(id)).producer;
      return id == kNone || available_[graph_.root(id)] || (maker != kNone && late_[maker]);
    });
  }

  // Whether a node that was put off is read by one that is due.
  bool wanted(size_t late) const {
    const ValueId out = graph_.nodes()[late].outputs[0];
    for (size_t n = 0; n < pending_.size(); ++n) {
      const Node& node = graph_.nodes()[n];
      const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(),
                                     [&](ValueId id) { return graph_.root(id) == out; });
      if (pending_[n] && reads && due(node)) return true;
    }
    return false;
  }

  // Appends a level of nodes that are ready. With 16 samples in lanes each node of a stage that is
  // not split is a level: shards run depth first, so that results are read while they are in cache.
  // One sample after another, threads share what is ready at the same time.
  bool collect(Stage& stage) {
    const bool wide = stage.split || graph_.lanes() == 1;
    std::vector<ValueId> fresh;
    const size_t before = stage.nodes.size();
    for (size_t n = 0; n < pending_.size(); ++n) {
      const Node& node = graph_.nodes()[n];
      if (!pending_[n] || is_split(graph_, node) != stage.split) continue;
      if (!ready(node)) {
        // What comes after it in the graph would only take up memory if it ran before.
        if (!stage.split && due(node)) break;
        continue;
      }
      if (late_[n] && !wanted(n)) continue;
      pending_[n] = false;
      stage.nodes.push_back(static_cast<NodeId>(n));
      const bool fixed = of_weights(node);
      stage.fixed = stage.fixed && fixed;
      for (ValueId id : node.outputs) {
        fixed_[id] = fixed;
        if (wide)
          fresh.push_back(id);
        else
          available_[id] = true;
      }
      if (!wide) stage.level_ends.push_back(stage.nodes.size());
    }
    for (ValueId id : fresh) available_[id] = true;
    if (stage.nodes.size() == before) return false;
    if (wide) stage.level_ends.push_back(stage.nodes.size());
    return true;
  }

  const Graph& graph_;
  std::vector<bool> pending_;    // by node
  std::vector<bool> available_;  // by value: made by the stages so far
  std::vector<bool> fixed_;      // by value: the same for every batch while weights stay
  std::vector<bool> late_;       // by node: put off until it is wanted
  std::vector<Stage> stages_;
};

}  // namespace

std::vector<Stage> schedule(const Graph& graph, const std::vector<bool>& live,
                            const Outside& outside) {
  return Scheduler(graph, live).run(outside);
}

}  // namespace convnet
