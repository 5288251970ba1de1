#include "graph/profile.h"

namespace convnet {

namespace {

// What a run of several steps had to do, all steps together.
struct Amount {
  int64_t samples = 0, shards = 0, slots = 0, steps = 0;
};

int64_t bytes_of(const Value& value, const Amount& amount) {
  const int64_t times = value.storage == Storage::Slotted ? amount.slots
                        : value.depends_on_batch()        ? amount.shards
                                                          : amount.steps;
  return times * static_cast<int64_t>(value.bytes());
}

}  // namespace

CallTime Timings::total(size_t call) const {
  CallTime sum;
  for (const auto& row : rows_) {
    sum.count += row[call].count;
    sum.nanoseconds += row[call].nanoseconds;
  }
  return sum;
}

Profile::Profile(const Program& program) : graph_(program.graph()) {
  for (const TimedCall& call : program.timed_calls())
    calls_.push_back({.node = call.node, .once = call.once});
}

void Profile::add(const Timings& timings, const StepInfo* steps, int64_t count) {
  Amount all{.steps = count};
  for (int64_t i = 0; i < count; ++i) {
    all.samples += steps[i].batch;
    all.shards += steps[i].shards;
    all.slots += steps[i].slots;
  }
  steps_ += count;
  threads_ = timings.threads();
  Amount once = all;
  once.steps = 1;
  for (size_t i = 0; i < calls_.size(); ++i) {
    CallProfile& profile = calls_[i];
    const Node& node = *profile.node;
    const Amount& amount = profile.once ? once : all;
    const CallTime time = timings.total(i);
    if (time.count == 0) continue;  // its results were kept
    profile.time.count += time.count;
    profile.time.nanoseconds += time.nanoseconds;
    profile.operations += node.flops * (graph_.touches_batch(node) ? amount.samples : amount.steps);
    for (const auto& operands : {node.inputs, node.outputs})
      for (ValueId id : operands)
        if (id != kNone) profile.bytes += bytes_of(graph_.value(id), amount);
  }
}

const char* layout_of(const Graph& graph, const Node& node) {
  if (node.outputs.empty()) return "";
  const Value& value = graph.value(node.outputs[0]);
  if (value.storage != Storage::Batched) return name_of(value.storage);
  if (graph.cuda()) return "batch first";
  return value.lanes > 1 ? "batch in lanes" : "features in lanes";
}

const char* name_of(Scope scope) {
  switch (scope) {
    case Scope::Shard:
      return "shard";
    case Scope::Group:
      return "group";
    case Scope::Batch:
      return "batch";
  }
  return "";
}

}  // namespace convnet
