#include "graph/graph.h"

#include <algorithm>

#include "ops/algorithms.h"
#include "ops/op.h"

namespace convnet {

const char* name_of(Storage storage) {
  switch (storage) {
    case Storage::Batched:
      return "batched";
    case Storage::Bits:
      return "bits";
    case Storage::PerShard:
      return "per_shard";
    case Storage::Slotted:
      return "slotted";
    case Storage::Single:
      return "single";
    case Storage::Accumulator:
      return "accumulator";
  }
  return "";
}

size_t Value::bytes() const {
  const size_t n = static_cast<size_t>(features());
  switch (storage) {
    case Storage::Batched:
      return n * static_cast<size_t>(lanes) * sizeof(float);
    case Storage::Bits:
      return n * sizeof(uint16_t);
    case Storage::Accumulator:
      return n * sizeof(double);
    default:
      return n * sizeof(float);
  }
}

Graph::Graph(int64_t lanes, Algorithms forced, bool few, int gpu)
    : lanes_(gpu < 0 ? lanes : 1), few_(few), gpu_(gpu), forced_(std::move(forced)) {
  if (lanes != 1 && lanes != kLanes)
    throw std::invalid_argument("a graph has 1 or " + std::to_string(kLanes) + " lanes, got " +
                                std::to_string(lanes));
  for (const auto& [what, name] : forced_) check_algorithm(what, name);
}

std::string Graph::forced(const std::string& what) const {
  auto it = forced_.find(what);
  return it == forced_.end() ? "" : it->second;
}

Precision Graph::precision() const {
  if (!cuda()) return Precision::float32;
  if (bfloat16_) return Precision::bf16;
  return forced("precision") == "medium" ? Precision::tf32 : Precision::float32;
}

void Graph::record_like(const Node& node) {
  label_ = node.label;
  bfloat16_ = node.precision == Precision::bf16;
}

void Graph::record_like(ValueId id) {
  if (values_[id].producer != kNone) record_like(nodes_[values_[id].producer]);
}

ValueId Graph::add_value(Value value) {
  for (int64_t extent : value.shape)
    if (extent < 0)
      throw std::invalid_argument("a shape must not have negative extents, got " +
                                  to_string(value.shape));
  value.lanes = value.storage == Storage::Batched ? lanes_ : 1;
  values_.push_back(std::move(value));
  return static_cast<ValueId>(values_.size()) - 1;
}

ValueId Graph::input(Dims shape, std::string name) {
  int64_t feed = 0;
  for (const Value& v : values_) feed += v.role == Role::Input;
  ValueId id = add("gather", {}, {{"feed", feed}, {"shape", std::move(shape)}})[0];
  values_[id].role = Role::Input;
  values_[id].name = std::move(name);
  return id;
}

ValueId Graph::parameter(Dims shape, std::string name) {
  return add_value({.name = std::move(name),
                    .storage = Storage::Single,
                    .role = Role::Parameter,
                    .shape = std::move(shape)});
}

ValueId Graph::state(Dims shape, std::string name) {
  return add_value({.name = std::move(name),
                    .storage = Storage::Single,
                    .role = Role::State,
                    .shape = std::move(shape)});
}

ValueId Graph::constant(Dims shape, std::vector<float> data) {
  if (numel(shape) != static_cast<int64_t>(data.size()))
    throw std::invalid_argument("constant: " + std::to_string(data.size()) +
                                " elements do not fill the shape " + to_string(shape));
  return add_value({.storage = Storage::Single,
                    .role = Role::Constant,
                    .shape = std::move(shape),
                    .constant = std::move(data)});
}

ValueId Graph::accumulator(std::string name) {
  return add_value({.name = std::move(name),
                    .storage = Storage::Accumulator,
                    .role = Role::State,
                    .shape = {2}});
}

std::vector<ValueId> Graph::add(const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  return add_node(op, std::move(inputs), std::move(attrs), false);
}

std::vector<ValueId> Graph::update(const std::string& op, std::vector<ValueId> inputs,
                                   Attrs attrs) {
  return add_node(op, std::move(inputs), std::move(attrs), true);
}

std::vector<ValueId> Graph::add_node(const std::string& name, std::vector<ValueId> inputs,
                                     Attrs attrs, bool update) {
  const Op* op = find_op(name);
  if (!op) throw std::invalid_argument("there is no op named '" + name + "'");
  for (ValueId id : inputs)
    if (id != kNone && (id < 0 || id >= static_cast<ValueId>(values_.size())))
      throw std::invalid_argument(name + ": there is no value " + std::to_string(id) +
                                  " in this graph");
  Node node{.op = op,
            .attrs = std::move(attrs),
            .label = label_,
            .precision = precision(),
            .inputs = std::move(inputs)};
  node.update = update;
  node.given = node.inputs.size();
  infer(node, kNone);
  // Inference may have added nodes that this one depends on.
  for (ValueId id : node.outputs) values_[id].producer = static_cast<NodeId>(nodes_.size());
  std::vector<ValueId> outputs = node.outputs;
  nodes_.push_back(std::move(node));
  return outputs;
}

bool Graph::touches_batch(const Node& node) const {
  const auto batched = [&](ValueId id) { return id != kNone && values_[id].depends_on_batch(); };
  return std::any_of(node.inputs.begin(), node.inputs.end(), batched) ||
         std::any_of(node.outputs.begin(), node.outputs.end(), batched);
}

int64_t Graph::made_by_unit(ValueId id) const {
  const Value& value = values_.at(id);
  if (value.producer == kNone || value.storage != Storage::Single) return 0;
  const Node& node = nodes_[value.producer];
  const bool whole = node.scope == Scope::Batch && node.outputs.size() == 1;
  if (!whole || node.output_spans.empty() || node.output_spans[0].from_end) return 0;
  return node.output_spans[0].size;
}

void Graph::infer(Node& node, NodeId id) {
  node.inputs.resize(node.given);
  node.outputs.clear();
  node.input_spans.clear();
  node.output_spans.clear();
  InferContext context(*this, node);
  node.op->def->infer(context);
  const Lanes taken = node.op->view ? Lanes::any : node.op->def->lanes;
  if (lanes_ == 1 && !cuda() && taken < (few_ ? Lanes::few : Lanes::any) && touches_batch(node))
    throw NeedsLanes(std::string(node.op->name) + " needs 16 samples at once");
  for (ValueId out : node.outputs) {
    values_[out].producer = id;
    if (node.op->view) values_[out].alias = node.inputs[0];
  }
}

ValueId Graph::root(ValueId id) const {
  while (id != kNone && values_[id].alias != kNone) id = values_[id].alias;
  return id;
}

}  // namespace convnet
