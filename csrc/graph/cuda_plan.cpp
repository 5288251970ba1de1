#include "graph/cuda_plan.h"

#include <algorithm>
#include <stdexcept>

#include "graph/cuda_run.h"
#include "graph/cuda_workspace.h"
#include "graph/pack.h"
#include "ops/op.h"

namespace convnet {

namespace {

// Nodes after those that they read from, in the order of the graph otherwise.
class Sorter {
 public:
  Sorter(const Graph& graph, const std::vector<bool>& live) : graph_(graph), pending_(live) {}

  std::vector<NodeId> run() {
    for (const bool update : {false, true})
      for (size_t n = 0; n < pending_.size(); ++n)
        if (graph_.nodes()[n].update == update) visit(static_cast<NodeId>(n));
    return std::move(order_);
  }

 private:
  void visit(NodeId n) {
    if (!pending_[n]) return;
    pending_[n] = false;
    const Node& node = graph_.nodes()[n];
    for (ValueId id : node.inputs) {
      if (id == kNone) continue;
      const NodeId from = graph_.value(graph_.root(id)).producer;
      if (from != kNone) visit(from);
    }
    if (!node.op->view) order_.push_back(n);
  }

  const Graph& graph_;
  std::vector<bool> pending_;
  std::vector<NodeId> order_;
};

}  // namespace

CudaPlan::CudaPlan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
                   const std::vector<ValueId>& bound)
    : Program(graph, std::move(outputs), capacity, bound) {
  check_gpu(graph_.gpu());
  const auto live = live_nodes(bound, [](size_t) { return false; });
  order_ = Sorter(graph_, live).run();
  written_.resize(binding_count_);
  blocks_.resize(binding_count_);
  for (NodeId n : order_) {
    const Node& node = graph_.nodes()[n];
    if (!cuda_backend().launch[node.op->kernel])
      throw NoCuda(std::string("There is no GPU kernel for the op '") + node.op->name + "' yet.");
    for (const auto* ids : {&node.inputs, &node.outputs})
      for (ValueId id : *ids) {
        if (id == kNone) continue;
        const int index = binding(graph_.root(id));
        if (index < 0) continue;
        binding_used_[index] = true;
        // Updates write what they are given; gradients that an update takes stay on the device.
        if (node.update || node.impure) written_[index] = true;
      }
  }
  for (ValueId id : bound) {
    const bool read = std::any_of(order_.begin(), order_.end(), [&](NodeId n) {
      const Node& node = graph_.nodes()[n];
      return node.update && std::count(node.inputs.begin(), node.inputs.end(), id);
    });
    if (!read) written_[binding(id)] = true;
  }
  plan_memory();
}

CudaPlan::~CudaPlan() = default;

size_t CudaPlan::bytes(ValueId id) const {
  const Value& value = graph_.value(id);
  const int64_t count = value.depends_on_batch() ? capacity_ : 1;
  return align_on_gpu(static_cast<size_t>(count) * value.bytes());
}

void CudaPlan::plan_memory() {
  std::map<ValueId, Life> lives;
  for (size_t i = 0; i < order_.size(); ++i) {
    const Node& node = graph_.nodes()[order_[i]];
    const int at = static_cast<int>(i);
    for (const auto* ids : {&node.inputs, &node.outputs})
      for (ValueId id : *ids) {
        if (id == kNone) continue;
        id = graph_.root(id);
        if (binding(id) >= 0) continue;
        const bool constant = graph_.value(id).role == Role::Constant;
        const int last = constant ? static_cast<int>(order_.size()) : at;
        auto [life, fresh] = lives.try_emplace(id, Life{id, bytes(id), constant ? 0 : at, last});
        if (!fresh) life->second.last = std::max(life->second.last, last);
      }
    if (const auto scratch = cuda_backend().scratch[node.op->kernel])
      scratch_ = std::max(scratch_, align_on_gpu(scratch(node.params.data(), capacity_)));
  }
  std::vector<Life> all;
  for (const auto& [id, life] : lives) all.push_back(life);
  bytes_ = pack(all);
  for (const Life& life : all) offsets_[life.value] = life.offset;
}

void CudaPlan::set_block(size_t binding, HostRange block) {
  std::lock_guard lock(mutex_);
  blocks_[binding] = block;
  if (!workspace_) return;
  workspace_->bound.clear();
  if (binding < workspace_->mirrors.size()) workspace_->mirrors[binding].reset();
}

int64_t CudaPlan::run(void* const* bindings, const StepInfo* steps, int64_t count,
                      const std::function<Poll()>& poll, Timings* timings) const {
  if (count == 0) return 0;
  std::lock_guard lock(mutex_);
  const OnGpu on(graph_.gpu());
  if (!workspace_) workspace_ = std::make_unique<CudaWorkspace>(*this);
  return CudaRun(*this, *workspace_, bindings, steps, count, timings).go(poll);
}

std::vector<TimedCall> CudaPlan::timed_calls() const {
  std::vector<TimedCall> calls;
  for (NodeId n : order_) calls.push_back({&graph_.nodes()[n], false});
  return calls;
}

}  // namespace convnet
