// Merges chains of nodes into fused ops, on the forward graph and before autodiff: a fused op's
// gradient can then use what the fused forward kept.
//
//  conv2d | dense  + unary relu, sigmoid or tanh   -> the op's activation, through views as well
//  conv2d          + 2x2 max pool                  -> pool, before the activation: it is monotonic
//  conv2d, linear  + 2x2 average pool              -> pool
#include <algorithm>

#include "graph/graph.h"
#include "ops/op.h"

namespace convnet {

namespace {

std::string text_attr(const Node& node, const std::string& name) {
  auto it = node.attrs.find(name);
  return it == node.attrs.end() ? "" : std::get<std::string>(it->second);
}

bool is_linear(const Node& node) {
  const std::string name = text_attr(node, "activation");
  return name.empty() || name == "linear";
}

bool is_block_pool(const Node& node) {
  const auto dims = [&](const char* name, const Dims& fallback) {
    auto it = node.attrs.find(name);
    return it == node.attrs.end() ? fallback : std::get<Dims>(it->second);
  };
  const Dims two = {2, 2}, none = {0, 0, 0, 0};
  return dims("size", {}) == two && dims("strides", two) == two && dims("padding", none) == none;
}

}  // namespace

class Fuser {
 public:
  Fuser(Graph& graph, const std::vector<ValueId>& keep) : graph_(graph), kept_(keep) {}

  void run() {
    for (NodeId n = 0; n < static_cast<NodeId>(graph_.nodes_.size()); ++n) {
      while (extend(n)) {
      }
      Node& node = graph_.nodes_[n];
      if (!node.dead && std::string(node.op->name) == "conv2d" && has_few_winners(node))
        node.attrs["few_winners"] = true;
    }
  }

 private:
  // Takes the only consumer of node `n` into it, where a rule allows it.
  bool extend(NodeId n) {
    Node& node = graph_.nodes_[n];
    const std::string op = node.op->name;
    if (node.dead || (op != "conv2d" && op != "dense")) return false;
    const NodeId reader = only_reader(node.outputs[0]);
    if (reader == kNone) return false;
    Node& next = graph_.nodes_[reader];
    const bool direct = next.inputs[0] == node.outputs[0];
    const std::string kind = next.op->name, pool = text_attr(node, "pool");
    if (kind == "unary" && is_linear(node)) {
      const std::string fn = text_attr(next, "fn");
      if (next.attrs.size() != 1 || (fn != "relu" && fn != "sigmoid" && fn != "tanh")) return false;
      node.attrs["activation"] = fn;
    } else if (op == "conv2d" && direct && pool.empty() && is_block_pool(next) &&
               (kind == "max_pool" || (kind == "avg_pool" && is_linear(node)))) {
      node.attrs["pool"] = std::string(kind == "max_pool" ? "max" : "average");
    } else {
      return false;
    }
    absorb(n, next);
    return true;
  }

  // Whether the result, perhaps after an activation, is used for maxima only, each of at least four
  // pixels: most of its gradient is zero.
  bool has_few_winners(const Node& node) const {
    const Value& result = graph_.value(node.outputs[0]);
    ValueId id = node.outputs[0];
    for (NodeId n; (n = only_reader(id)) != kNone;) {
      const Node& reader = graph_.nodes_[n];
      const std::string kind = reader.op->name;
      id = reader.outputs[0];
      const int64_t features = graph_.value(id).features();
      if (kind == "reduce")
        return text_attr(reader, "fn") == "max" && features == result.fold * result.shape.back();
      if (kind == "max_pool") return 4 * features <= result.features();
      if (kind != "unary") return false;
    }
    return false;
  }

  // The only node that reads a value or a view of it; kNone where there are several, or none, or
  // the value is kept.
  NodeId only_reader(ValueId id) const {
    NodeId found = kNone;
    for (NodeId n = 0; n < static_cast<NodeId>(graph_.nodes_.size()); ++n) {
      const Node& node = graph_.nodes_[n];
      if (node.dead || node.op->view) continue;
      for (ValueId input : node.inputs) {
        if (input == kNone || graph_.root(input) != graph_.root(id)) continue;
        if (found != kNone) return kNone;
        found = n;
      }
    }
    const auto shows = [&](ValueId kept) { return graph_.root(kept) == graph_.root(id); };
    return std::any_of(kept_.begin(), kept_.end(), shows) ? kNone : found;
  }

  // The result of `n` becomes that of `next`, seen through the views that lay between.
  void absorb(NodeId n, Node& next) {
    Node& node = graph_.nodes_[n];
    const ValueId before = node.outputs[0], seen = next.inputs[0], after = next.outputs[0];
    graph_.infer(node, n);
    next.dead = true;
    if (next.label != node.label) relabel(node, node.label + " + " + next.label);
    for (ValueId old : next.outputs) graph_.values_[old].producer = kNone;
    replace(before, node.outputs[0]);
    replace(after, seen == before ? node.outputs[0] : seen);
  }

  void replace(ValueId old, ValueId by) {
    graph_.values_[old].alias = by;
    for (Node& node : graph_.nodes_)
      for (ValueId& input : node.inputs)
        if (input == old) input = by;
  }

  // A node, and what inference derived for it.
  void relabel(Node& node, const std::string& label) {
    node.label = label;
    for (size_t i = node.given; i < node.inputs.size(); ++i)
      if (node.inputs[i] != kNone)
        graph_.nodes_[graph_.value(node.inputs[i]).producer].label = label;
  }

  Graph& graph_;
  const std::vector<ValueId>& kept_;
};

void Graph::fuse(const std::vector<ValueId>& keep) { Fuser(*this, keep).run(); }

}  // namespace convnet
