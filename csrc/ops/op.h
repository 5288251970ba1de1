// The device-free meaning of an op: which attributes it takes, the shapes it gives, its gradient.
#pragma once

#include <cstring>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "graph/graph.h"

namespace convnet {

class InferContext;
class GradContext;

// What the kernel of an op takes: shards of 16 samples only; of one sample as well, which pays for
// a few samples; of one sample as fast as of 16, however many there are.
enum class Lanes { sixteen, few, any };

struct OpDef {
  void (*infer)(InferContext&);
  void (*gradient)(GradContext&);  // null: no gradient flows through this op
  Lanes lanes = Lanes::sixteen;
  // Adds what two nodes of this op have made, where there is a shorter way than to add the results;
  // kNone where there is none.
  ValueId (*add)(Graph&, const Node&, const Node&) = nullptr;
};

// Defines the op that kernel_list.inc names.
#define CONVNET_DEFINE_OP(name, ...) \
  extern const OpDef name;           \
  const OpDef name { __VA_ARGS__ }

struct Op {
  const char* name;
  const OpDef* def;
  bool view;   // outputs alias the first input; there is no kernel
  int kernel;  // OpIndex, -1 for a view
};

// Null where there is no such op.
const Op* find_op(const std::string& name);
std::vector<std::string> op_names();

// What `infer` sees: it checks, declares the outputs and fills the kernel's parameter block.
class InferContext {
 public:
  InferContext(Graph& graph, Node& node) : graph_(graph), node_(node) {}

  // Samples of a shard.
  int64_t lanes() const { return graph_.lanes(); }
  // Whether a graph of one lane is for a few samples.
  bool few() const { return graph_.few(); }
  // Whether the graph is for the GPU, whose kernels need nothing that is packed or cut for a CPU's.
  bool cuda() const { return graph_.cuda(); }
  // The algorithm that is forced, from those of ops/algorithms.h; empty where the choice is free.
  std::string forced(const std::string& what) const { return graph_.forced(what); }
  int inputs() const { return static_cast<int>(node_.inputs.size()); }
  bool has(int i) const { return i < inputs() && node_.inputs[i] != kNone; }
  const Value& in(int i) const;
  ValueId in_id(int i) const { return node_.inputs[i]; }

  bool has_attr(const std::string& name) const { return node_.attrs.count(name) != 0; }
  // Attributes; the overload without a default throws where the attribute is missing.
  int64_t integer(const std::string& name) const;
  int64_t integer(const std::string& name, int64_t fallback) const;
  double real(const std::string& name) const;
  double real(const std::string& name, double fallback) const;
  bool flag(const std::string& name, bool fallback) const;
  std::string text(const std::string& name, const std::string& fallback) const;
  Dims dims(const std::string& name) const;
  Dims dims(const std::string& name, const Dims& fallback) const;

  ValueId output(Storage storage, Dims shape, int64_t fold = 1);
  // An output of the same storage, shape and fold as input `i`.
  ValueId output_like(int i);
  // Another output of this op's kind whose shape is changed: same storage and fold as input `i`.
  ValueId output_like(int i, Dims shape);

  template <class P>
  P& params() {
    static_assert(std::is_trivially_copyable_v<P>);
    node_.params.resize(sizeof(P));
    return *new (node_.params.data()) P{};
  }
  // The block with a list of any length behind it: KernelArgs::list.
  template <class P>
  P& params(const Dims& list) {
    static_assert(sizeof(P) % sizeof(int64_t) == 0);
    params<P>();
    node_.params.resize(sizeof(P) + list.size() * sizeof(int64_t));
    if (!list.empty())
      std::memcpy(node_.params.data() + sizeof(P), list.data(), list.size() * sizeof(int64_t));
    return *reinterpret_cast<P*>(node_.params.data());
  }
  void scope(Scope scope) { node_.scope = scope; }
  // How a sum over samples is stored: a slot for some shards, or, where a shard is one sample,
  // whole: one call then goes through all of them.
  Storage sum_over_samples();
  void units(int64_t units) { node_.units = units < 1 ? 1 : units; }
  void scratch(size_t bytes) { node_.scratch = bytes; }
  // Operations for one sample, roughly, where they are many more than results.
  void work(int64_t operations) { node_.work = operations; }
  // The same for a product, exactly, a multiply-add being two: by its definition, also where the
  // algorithm gets by with fewer.
  void flops(int64_t operations) { node_.flops = node_.work = operations; }
  // The algorithm chosen, of several: a name for profiles.
  void algorithm(const char* name) { node_.algorithm = name; }
  void impure() { node_.impure = true; }
  // An update that follows the last step of a run.
  void closing() { node_.closing = true; }
  // Units follow each other: one begins where the one before it has ended.
  void ordered() { node_.ordered = true; }
  // So many threads may share a call, as a crew.
  void shared(int64_t threads) { node_.crew = threads; }
  // What a unit touches of input or output `i`, where it is not all: work that reads a value may
  // then begin before all of it is there.
  void input_span(size_t i, Span span) { set(node_.input_spans, i, span); }
  void output_span(size_t i, Span span) { set(node_.output_spans, i, span); }
  // The outputs of another op; of an equal node where there is one.
  std::vector<ValueId> compute(const std::string& op, std::vector<ValueId> inputs, Attrs attrs);
  // Adds an update node, which runs before this one if this is an update as well.
  std::vector<ValueId> update(const std::string& op, std::vector<ValueId> inputs, Attrs attrs);
  // Appends an input that the kernel needs and that depends on other inputs only (packed weights).
  void derive(const std::string& op, std::vector<ValueId> inputs, Attrs attrs);
  void append_input(ValueId id) { node_.inputs.push_back(id); }
  void replace_inputs(std::vector<ValueId> inputs) { node_.inputs = std::move(inputs); }
  const Attrs& attrs() const { return node_.attrs; }

  // Throws std::invalid_argument: "<op>: <message>".
  [[noreturn]] void fail(const std::string& message) const;
  void check(bool ok, const std::string& message) const {
    if (!ok) fail(message);
  }
  // Throws unless input `i` has the given shape.
  void expect_shape(int i, const Dims& shape, const char* what) const;

 private:
  static void set(std::vector<Span>& spans, size_t i, Span span) {
    if (spans.size() <= i) spans.resize(i + 1);
    spans[i] = span;
  }

  Graph& graph_;
  Node& node_;
};

// What `gradient` sees: the node, the gradients of its outputs, and a way to add the ops that give
// those of its inputs.
class GradContext {
 public:
  GradContext(Graph& graph, NodeId node, const std::vector<ValueId>& grads,
              const std::vector<bool>& needed)
      : graph_(graph), node_(node), grads_(grads), needed_(needed) {}

  ValueId in(int i) const;
  ValueId out(int i = 0) const;
  // Gradient of output `i`; kNone where nothing depends on it.
  ValueId grad(int i = 0) const { return grads_[i]; }
  bool needs(int i) const;
  const Value& value(ValueId id) const { return graph_.value(id); }
  bool cuda() const { return graph_.cuda(); }
  // The value that `id` is a view of, and the node that made it; null where none did.
  ValueId root(ValueId id) const { return graph_.root(id); }
  const Node* producer(ValueId id) const {
    const NodeId node = value(root(id)).producer;
    return node == kNone ? nullptr : &graph_.nodes()[node];
  }
  const Attrs& attrs() const { return graph_.nodes()[node_].attrs; }
  std::string text(const std::string& name, const std::string& fallback = "") const;
  bool flag(const std::string& name) const;
  // See InferContext.
  std::string forced(const std::string& what) const { return graph_.forced(what); }
  template <class P>
  const P& params() const {
    return *reinterpret_cast<const P*>(graph_.nodes()[node_].params.data());
  }

  std::vector<ValueId> add(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {});
  ValueId add1(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {}) {
    return add(op, std::move(inputs), std::move(attrs))[0];
  }
  // The output of an op; of an equal node where there is one.
  ValueId compute(const std::string& op, std::vector<ValueId> inputs, Attrs attrs);
  // States the gradient of input `i` (may be called more than once: contributions are added).
  void set(int i, ValueId grad) { result_.emplace_back(i, grad); }
  const std::vector<std::pair<int, ValueId>>& result() const { return result_; }

 private:
  Graph& graph_;
  NodeId node_;
  const std::vector<ValueId>& grads_;
  const std::vector<bool>& needed_;
  std::vector<std::pair<int, ValueId>> result_;
};

}  // namespace convnet
