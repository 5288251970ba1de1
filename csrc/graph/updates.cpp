// Cuts updates into stages. Consecutive ones that touch no common value share a stage. An update
// whose units touch the same elements as those of the updates before it follows them in a chain,
// and the first of a chain follows the node that makes what it reads where nobody else does: so an
// optimizer follows the gradient of a weight, of which there is never more than a piece.
#include <algorithm>
#include <set>

#include "graph/plan.h"
#include "ops/op.h"

namespace convnet {

namespace {

constexpr int64_t kPieceElements = 1 << 14;  // of each operand: all of them stay in a cache

// Elements of operand `i` that a unit touches, from the front; 0 where that is not said.
int64_t touched(const std::vector<Span>& spans, size_t i) {
  return i < spans.size() && !spans[i].from_end ? spans[i].size : 0;
}

// Elements of every operand of an update that a unit touches; 0 where they differ.
int64_t touched_of_all(const Node& node) {
  const int64_t size = touched(node.input_spans, 0);
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (touched(node.input_spans, i) != size) return 0;
  return node.outputs.empty() ? size : 0;
}

struct Chain {
  std::vector<NodeId> nodes;
  int64_t elements, units;
  std::set<ValueId> values;
};

class Updates {
 public:
  Updates(const Graph& graph, const std::vector<bool>& live, const Outside& outside)
      : graph_(graph), outside_(outside), readers_(graph.values().size()) {
    for (size_t n = 0; n < live.size(); ++n) {
      if (!live[n]) continue;
      const Node& node = graph.nodes()[n];
      if (node.update && !node.closing) updates_.push_back(static_cast<NodeId>(n));
      for (ValueId id : node.inputs)
        if (id != kNone) readers_[graph.root(id)].push_back(static_cast<NodeId>(n));
    }
  }

  std::vector<Stage> run() {
    do {
      stages_.clear();
      for (NodeId n : updates_) add(n);
    } while (bar_leaders());
    std::vector<Stage> result;
    for (const auto& chains : stages_) {
      Stage& stage = result.emplace_back(Stage{.split = true, .update = true});
      for (const Chain& chain : chains)
        for (NodeId n : chain.nodes) {
          stage.nodes.push_back(n);
          stage.follows.push_back(n != chain.nodes.front());
        }
    }
    return result;
  }

 private:
  void add(NodeId n) {
    const Node& node = graph_.nodes()[n];
    Chain chain{{n}, touched_of_all(node), node.units, {}};
    for (ValueId id : node.inputs)
      if (id != kNone) chain.values.insert(graph_.root(id));
    chain.values.insert(node.outputs.begin(), node.outputs.end());
    std::vector<Chain*> met;
    if (!stages_.empty())
      for (Chain& other : stages_.back())
        if (std::any_of(chain.values.begin(), chain.values.end(),
                        [&](ValueId id) { return other.values.count(id) != 0; }))
          met.push_back(&other);
    if (met.size() == 1 && chain.elements && met[0]->elements == chain.elements &&
        met[0]->units == chain.units) {
      met[0]->nodes.push_back(n);
      met[0]->values.merge(chain.values);
      return;
    }
    if (stages_.empty() || !met.empty()) stages_.emplace_back();
    lead(chain);
    stages_.back().push_back(std::move(chain));
  }

  // Puts the node that makes an operand at the head of a chain, if it can be there.
  void lead(Chain& chain) const {
    if (graph_.cuda()) return;  // its nodes are not cut into pieces
    for (ValueId id : chain.values) {
      const NodeId maker = graph_.value(id).producer;
      if (!chain.elements || maker == kNone || !leads(chain, maker)) continue;
      chain.nodes.insert(chain.nodes.begin(), maker);
      return;
    }
  }

  // Weights may have changed when it runs: it must read none.
  bool leads(const Chain& chain, NodeId n) const {
    const Node& node = graph_.nodes()[n];
    const ValueId out = node.outputs[0];
    const auto changes = [&](ValueId id) {
      if (id == kNone) return false;
      const Role role = graph_.value(graph_.root(id)).role;
      return role == Role::Parameter || role == Role::State;
    };
    return !node.update && !node.impure && !node.op->view && node.scope == Scope::Batch &&
           node.outputs.size() == 1 && graph_.value(out).storage == Storage::Single &&
           touched(node.output_spans, 0) == chain.elements && node.units == chain.units &&
           !outside_.bound.count(out) && !outside_.rows.count(out) && !barred_.count(n) &&
           std::none_of(node.inputs.begin(), node.inputs.end(), changes) &&
           std::all_of(readers_[out].begin(), readers_[out].end(),
                       [&](NodeId reader) { return graph_.nodes()[reader].update; });
  }

  // Whether there are leaders, barred from now on, that are read outside of their chains.
  bool bar_leaders() {
    const size_t before = barred_.size();
    for (const auto& chains : stages_)
      for (const auto& [nodes, elements, units, values] : chains) {
        const Node& first = graph_.nodes()[nodes.front()];
        if (first.update) continue;
        for (NodeId reader : readers_[first.outputs[0]])
          if (!std::count(nodes.begin(), nodes.end(), reader)) barred_.insert(nodes.front());
      }
    return barred_.size() > before;
  }

  const Graph& graph_;
  const Outside& outside_;
  std::vector<NodeId> updates_;
  std::vector<std::vector<NodeId>> readers_;  // by value
  std::set<NodeId> barred_;                   // from leading a chain
  std::vector<std::vector<Chain>> stages_;
};

}  // namespace

int64_t units_of_piece(int64_t elements) {
  return std::max<int64_t>(1, kPieceElements / std::max<int64_t>(1, elements));
}

std::vector<Stage> schedule_updates(const Graph& graph, const std::vector<bool>& live,
                                    const Outside& outside) {
  return Updates(graph, live, outside).run();
}

}  // namespace convnet
