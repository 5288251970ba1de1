// Reverse-mode differentiation: walks the nodes backwards and lets each op add the ops that compute
// its gradient.
#include <set>
#include <stdexcept>

#include "graph/graph.h"
#include "ops/op.h"

namespace convnet {

namespace {

using Contributions = std::vector<std::vector<ValueId>>;

// Which values a parameter, or a value in `wrt`, reaches through differentiable ops.
std::vector<bool> reached(const Graph& graph, const std::vector<ValueId>& wrt) {
  std::vector<bool> needed(graph.values().size());
  for (size_t v = 0; v < needed.size(); ++v) needed[v] = graph.values()[v].role == Role::Parameter;
  for (ValueId id : wrt) needed[id] = true;
  for (const Node& node : graph.nodes()) {
    if (!node.op->def->gradient || node.dead) continue;
    bool any = false;
    for (ValueId id : node.inputs) any = any || (id != kNone && needed[id]);
    for (ValueId id : node.outputs) needed[id] = needed[id] || any;
  }
  // A value that fusion turned into a view is reached with the value it views.
  for (size_t v = 0; v < needed.size(); ++v)
    if (graph.values()[v].alias != kNone && needed[graph.root(v)]) needed[v] = true;
  return needed;
}

// Of gradients for activations, perhaps views of what an op knows to add.
ValueId sum_of(Graph& graph, ValueId a, ValueId b) {
  const NodeId x = graph.value(graph.root(a)).producer, y = graph.value(graph.root(b)).producer;
  ValueId sum = kNone;
  if (x != kNone && y != kNone && graph.nodes()[x].op == graph.nodes()[y].op)
    if (const auto add = graph.nodes()[x].op->def->add)
      sum = add(graph, graph.nodes()[x], graph.nodes()[y]);
  if (sum == kNone) return graph.add("binary", {a, b}, {{"fn", std::string("add")}})[0];
  const Dims shape = graph.value(a).shape;
  if (graph.value(sum).shape == shape) return sum;
  return graph.add("reshape", {sum}, {{"shape", shape}})[0];
}

// One value from its contributions: sums over slots and over contributions for weights, plain sums
// for activations.
ValueId total(Graph& graph, ValueId of, const std::vector<ValueId>& parts) {
  if (parts.empty()) return kNone;
  if (graph.value(of).storage == Storage::Single) {
    if (parts.size() == 1 && graph.value(parts[0]).storage == Storage::Single) return parts[0];
    return graph.add("slot_sum", parts)[0];
  }
  ValueId sum = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) sum = sum_of(graph, sum, parts[i]);
  return sum;
}

}  // namespace

std::map<ValueId, ValueId> Graph::backward(const std::vector<ValueId>& losses,
                                           const std::map<ValueId, ValueId>& seeds,
                                           const std::vector<ValueId>& wrt) {
  const std::vector<bool> needed = reached(*this, wrt);
  const std::string outer = label_;
  const bool outer_bfloat16 = bfloat16_;
  Contributions parts(values_.size());
  std::vector<bool> seeded(values_.size());
  for (ValueId loss : losses) {
    const Value& v = value(loss);
    if (v.storage == Storage::Single) {
      if (v.features() != 1)
        throw std::invalid_argument("backward: a loss must be a scalar, got shape " +
                                    to_string(v.shape));
      parts[loss].push_back(constant(v.shape, {1.0f}));
    } else if (v.storage != Storage::PerShard) {
      throw std::invalid_argument("backward: a loss must be the result of loss_mean or a scalar");
    }
    seeded[loss] = true;
  }
  for (auto [value, seed] : seeds)
    parts[value].push_back(values_[seed].storage == Storage::Batched ? add("live_only", {seed})[0]
                                                                     : seed);
  for (NodeId n = static_cast<NodeId>(nodes_.size()) - 1; n >= 0; --n) {
    const Op* op = nodes_[n].op;
    if (!op->def->gradient || nodes_[n].update || nodes_[n].dead) continue;
    bool any = false, wanted = false;
    record_like(nodes_[n]);
    std::vector<ValueId> grads;
    const std::vector<ValueId> outputs = nodes_[n].outputs;
    for (ValueId out : outputs) {
      grads.push_back(total(*this, out, parts[out]));
      any = any || grads.back() != kNone || seeded[out];
      wanted = wanted || needed[out];
    }
    if (!any || !wanted) continue;
    GradContext context(*this, n, grads, needed);
    op->def->gradient(context);
    for (auto [i, grad] : context.result()) {
      ValueId input = nodes_[n].inputs.at(i);
      parts[input].push_back(grad);
    }
  }
  std::map<ValueId, ValueId> result;
  std::set<ValueId> used;
  for (size_t v = 0; v < parts.size(); ++v) {
    if (values_[v].role != Role::Parameter || parts[v].empty()) continue;
    record_like(parts[v][0]);
    ValueId grad = total(*this, static_cast<ValueId>(v), parts[v]);
    // A gradient is bound to memory of its own: not a view, not a weight, not another's gradient.
    if (values_[grad].alias != kNone || values_[grad].role != Role::Temporary ||
        !used.insert(grad).second)
      grad = add("slot_sum", {grad})[0];
    result[static_cast<ValueId>(v)] = grad;
  }
  for (ValueId id : wrt)
    if (!result.count(id) && !parts[id].empty()) {
      record_like(parts[id][0]);
      result[id] = total(*this, id, parts[id]);
    }
  label_ = outer;
  bfloat16_ = outer_bfloat16;
  return result;
}

}  // namespace convnet
