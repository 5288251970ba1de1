#include <algorithm>
#include <stdexcept>

#include "graph/plan.h"
#include "ops/op.h"

namespace convnet {

Program::Program(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
                 const std::vector<ValueId>& bound)
    : graph_(graph), outputs_(std::move(outputs)), capacity_(capacity) {
  if (capacity < 1)
    throw std::invalid_argument("Plan: capacity must be at least 1, got " +
                                std::to_string(capacity));
  graph_.set_label("output");
  auto& bindings = outside_.bound;
  for (size_t v = 0; v < graph_.values().size(); ++v) {
    const Role role = graph_.value(static_cast<ValueId>(v)).role;
    if (role == Role::Parameter || role == Role::State) bindings.emplace(v, 0);
    input_count_ += role == Role::Input;
  }
  for (ValueId id : bound) bindings.emplace(id, 0);
  for (auto& [id, index] : bindings) index = static_cast<int>(binding_count_++);
  binding_used_.resize(binding_count_);
}

std::vector<bool> Program::live_nodes(const std::vector<ValueId>& bound,
                                      const std::function<bool(size_t)>& leaves_as_row) {
  std::vector<ValueId> wanted = bound;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const auto feed = int64_t{input_count_} + static_cast<int64_t>(i);
    wanted.push_back(leaves_as_row(i) ? outputs_[i]
                                      : graph_.add("scatter", {outputs_[i]}, {{"feed", feed}})[0]);
  }
  std::vector<bool> live(graph_.nodes().size()), needed(graph_.values().size());
  for (ValueId id : wanted) needed[id] = needed[graph_.root(id)] = true;
  for (size_t n = live.size(); n-- > 0;) {
    const Node& node = graph_.nodes()[n];
    if (node.dead) continue;
    live[n] = node.update || node.impure ||
              std::any_of(node.outputs.begin(), node.outputs.end(),
                          [&](ValueId id) { return needed[id]; });
    if (!live[n]) continue;
    for (ValueId id : node.inputs)
      if (id != kNone) needed[id] = needed[graph_.root(id)] = true;
  }
  return live;
}

int Program::binding(ValueId value) const {
  auto it = outside_.bound.find(value);
  return it == outside_.bound.end() ? -1 : it->second;
}

int64_t Program::binding_size(ValueId value) const { return graph_.value(value).features(); }

}  // namespace convnet
