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

Profile::Profile(const Plan& plan) : plan_(plan) {
  for (size_t s = 0; s < plan.stages().size(); ++s)
    for (const Call& call : plan.calls(s)) calls_.push_back({.node = call.node});
  for (const Call& call : plan.closing_calls()) calls_.push_back({.node = call.node});
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
  const auto add_calls = [&](const std::vector<Call>& calls, const Amount& amount) {
    for (const Call& call : calls) {
      const CallTime time = timings.total(call.index);
      if (time.count == 0) continue;
      CallProfile& profile = calls_[call.index];
      profile.time.count += time.count;
      profile.time.nanoseconds += time.nanoseconds;
      const Graph& graph = plan_.graph();
      profile.operations +=
          call.node->flops * (graph.touches_batch(*call.node) ? amount.samples : amount.steps);
      for (const auto& operands : {call.node->inputs, call.node->outputs})
        for (ValueId id : operands)
          if (id != kNone) profile.bytes += bytes_of(graph.value(id), amount);
    }
  };
  Amount once = all;
  once.steps = 1;
  // Fixed stages run once, or not at all where their results were kept.
  for (size_t s = 0; s < plan_.stages().size(); ++s)
    add_calls(plan_.calls(s), plan_.stages()[s].fixed && !plan_.updates() ? once : all);
  add_calls(plan_.closing_calls(), once);
}

const char* layout_of(const Graph& graph, const Node& node) {
  if (node.outputs.empty()) return "";
  const Value& value = graph.value(node.outputs[0]);
  if (value.storage != Storage::Batched) return name_of(value.storage);
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
