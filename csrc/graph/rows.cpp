// Updates of embedding tables in the rows that a batch looks up.
//
// A row without a gradient still changes by what the optimizer remembers of it. That is put off: of
// each row it is known how many steps of the run it has seen, and before it is looked up again, or
// when the run ends, it goes through the ones that it missed, operation by operation, while it is
// in registers. So the bits are those of an update of the whole table.
//
//  ids -> embedding_rows -> list -> optimizer catching up -> embedding (the lookup) -> ...
//  ... dy -> embedding_backward_rows -> optimizer            after the run: optimizer closing
#include <stdexcept>

#include "graph/graph.h"
#include "ops/op.h"

namespace convnet {

// The node that looks up rows of `table`, where no other node reads it; else kNone.
NodeId Graph::only_lookup(ValueId table) const {
  NodeId lookup = kNone;
  for (NodeId n = 0; n < static_cast<NodeId>(nodes_.size()); ++n) {
    const Node& node = nodes_[n];
    for (size_t i = 0; i < node.inputs.size() && !node.dead; ++i) {
      if (node.inputs[i] == kNone || root(node.inputs[i]) != table) continue;
      if (lookup != kNone || node.op != find_op("embedding") || i != 1) return kNone;
      lookup = n;
    }
  }
  return lookup;
}

int64_t Graph::rows_looked_up(ValueId table, ValueId gradient) const {
  if (cuda()) return 0;
  const NodeId lookup = only_lookup(table), producer = value(gradient).producer;
  if (lookup == kNone || producer == kNone) return 0;
  const bool whole = nodes_[producer].op == find_op("embedding_backward");
  return whole ? value(nodes_[lookup].inputs[0]).features() : 0;
}

ValueId Graph::update_rows(const std::string& op, ValueId table, ValueId gradient,
                           const std::vector<ValueId>& slots, const Attrs& attrs) {
  if (!rows_looked_up(table, gradient))
    throw std::invalid_argument("update_rows: more than one lookup reads " + value(table).name);
  Node& lookup = nodes_[only_lookup(table)];
  const std::vector<ValueId> backward = nodes_[value(gradient).producer].inputs;
  const Attrs rows{{"rows", value(table).shape[0]}};
  const auto listed = add("embedding_rows", {lookup.inputs[0]}, rows);
  const auto operands = [&](ValueId g, std::initializer_list<ValueId> others) {
    std::vector<ValueId> ids{table, g};
    ids.insert(ids.end(), slots.begin(), slots.end());
    ids.insert(ids.end(), others);
    return ids;
  };
  const auto phase = [&](const char* name) {
    Attrs all = attrs;
    all["phase"] = std::string(name);
    return all;
  };
  const auto kept = add(op, operands(kNone, {listed[0]}), phase("catch_up"));
  lookup.inputs[2] = kept[0];
  const ValueId sums =
      add("embedding_backward_rows", {backward[0], backward[1], listed[1]}, rows)[0];
  update(op, operands(sums, {listed[0], kept[0], kept[1]}), phase("update"));
  update(op, operands(kNone, {kNone, kept[0], kept[1]}), phase("close"));
  return sums;
}

}  // namespace convnet
