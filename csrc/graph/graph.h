// The graph of a model: values (tensors) and nodes (op applications), in the order they were added.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "core/precision.h"
#include "core/shape.h"
#include "cpu/kernel.h"

namespace convnet {

using ValueId = int32_t;
using NodeId = int32_t;
constexpr ValueId kNone = -1;

// How a value lies in memory; see docs/design.md.
enum class Storage { Batched, Bits, PerShard, Slotted, Single, Accumulator };
const char* name_of(Storage storage);

// What a value is to the outside.
enum class Role { Temporary, Input, Parameter, State, Constant };

struct Value {
  std::string name;
  Storage storage = Storage::Batched;
  Role role = Role::Temporary;
  Dims shape;         // of one sample where the storage has a batch, whole otherwise
  int64_t fold = 1;   // samples folded into the batch
  int64_t lanes = 1;  // of a Batched value: samples of a shard, which lie side by side
  NodeId producer = kNone;
  ValueId alias = kNone;  // a view of this value
  std::vector<float> constant;

  bool has_batch() const { return storage == Storage::Batched || storage == Storage::Bits; }
  bool depends_on_batch() const {
    return storage != Storage::Single && storage != Storage::Accumulator;
  }
  // Elements of one shard (without lanes), of one slot, or of the whole.
  int64_t features() const { return fold * numel(shape); }
  // Bytes of the same, lanes included.
  size_t bytes() const;
};

using Attr =
    std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;
using Attrs = std::map<std::string, Attr>;

enum class Scope { Shard, Group, Batch };

// Which elements of a shard of an operand a unit touches: all, or `size` of them, the first unit
// those at the front or, with `from_end`, at the back.
struct Span {
  int64_t size = 0;  // 0: all
  bool from_end = false;
};

struct Op;

struct Node {
  const Op* op = nullptr;
  Attrs attrs;
  std::string label;                         // what it was recorded for: a layer's name
  std::string algorithm;                     // the one chosen, where there are several
  Precision precision = Precision::float32;  // of products on a GPU
  std::vector<ValueId> inputs, outputs;
  size_t given = 0;               // inputs before those that `infer` derived
  std::vector<std::byte> params;  // the kernel's POD parameter block
  Scope scope = Scope::Shard;
  int64_t units = 1;     // independent pieces of one shard's work (of the whole's, for Batch)
  size_t scratch = 0;    // bytes a call needs for itself
  int64_t work = 0;      // operations for one sample, roughly; 0: as many as results
  int64_t flops = 0;     // of a product, by its definition, for one sample; 0: it is none
  bool ordered = false;  // units of a shard must be done in order
  int64_t crew = 1;      // threads that may share a call of one shard
  std::vector<Span> input_spans, output_spans;  // those not there: all
  bool update = false;                          // runs after everything else, in order
  bool closing = false;                         // runs after the last step of a run
  bool impure = false;                          // writes a state: never dropped
  bool dead = false;                            // replaced by fusion
};

// An op that works, or is fast, on 16 samples side by side only, in a graph of one.
struct NeedsLanes : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Names of algorithms, by what they are for: ops/algorithms.h.
using Algorithms = std::map<std::string, std::string>;

// `lanes`: samples of a shard, kLanes, or 1 for plans that run samples one by one with features in
// lanes. `forced`: algorithms to take wherever they can compute what is asked for. `few`: with one
// lane, whether there are a few samples only. `gpu`: number of the GPU that runs it, with one lane;
// -1 for the CPU.
class Graph {
 public:
  explicit Graph(int64_t lanes = kLanes, Algorithms forced = {}, bool few = true, int gpu = -1);
  int64_t lanes() const { return lanes_; }
  bool few() const { return few_; }
  bool cuda() const { return gpu_ >= 0; }
  int gpu() const { return gpu_; }
  // The algorithm that is forced; empty where the choice is free.
  std::string forced(const std::string& what) const;

  // What nodes are recorded for from now on. Gradients take the label of their forward node.
  const std::string& label() const { return label_; }
  void set_label(std::string label) { label_ = std::move(label); }
  // Whether a GPU rounds the operands of products to bfloat16 in nodes from now on, whatever
  // precision is forced. Gradients do what their forward node does.
  bool bfloat16() const { return bfloat16_; }
  void set_bfloat16(bool on) { bfloat16_ = on; }
  // That of nodes from now on; on the CPU all are alike.
  Precision precision() const;

  ValueId input(Dims shape, std::string name);
  ValueId parameter(Dims shape, std::string name);
  ValueId state(Dims shape, std::string name);
  ValueId constant(Dims shape, std::vector<float> data);
  ValueId accumulator(std::string name);

  // Infers shapes at once; throws std::invalid_argument naming the op and the shapes.
  std::vector<ValueId> add(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {});
  // A node that runs after all others, in the order of the calls.
  std::vector<ValueId> update(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {});
  // Updates of a table that is read by the row. How many rows a sample looks up of `table`, whose
  // gradient is given; 0 where anything else happens to it.
  int64_t rows_looked_up(ValueId table, ValueId gradient) const;
  // Then updates it, by an optimizer's op, in the rows that a batch looks up; the others are made
  // up for when they are looked up again, and when a run ends. Returns the gradients of the rows.
  ValueId update_rows(const std::string& op, ValueId table, ValueId gradient,
                      const std::vector<ValueId>& slots, const Attrs& attrs);
  // Merges chains of nodes into fused ops; values in `keep` stay computed.
  void fuse(const std::vector<ValueId>& keep);
  // Reverse-mode differentiation of the sum of `losses` (results of loss_mean, or scalars). `seeds`
  // are gradients given for further values. Returns the gradient of each parameter reached, and of
  // each value in `wrt`.
  std::map<ValueId, ValueId> backward(const std::vector<ValueId>& losses,
                                      const std::map<ValueId, ValueId>& seeds = {},
                                      const std::vector<ValueId>& wrt = {});

  const Value& value(ValueId id) const { return values_.at(id); }
  const std::deque<Value>& values() const { return values_; }
  const std::deque<Node>& nodes() const { return nodes_; }
  std::deque<Node>& nodes() { return nodes_; }
  // The value that owns the memory `id` is a view of.
  ValueId root(ValueId id) const;
  // Whether a node reads or makes values that there are more of in larger batches.
  bool touches_batch(const Node& node) const;
  // Elements of a Single value that each unit of the node that makes it makes, all of them in
  // order; 0 where units are otherwise.
  int64_t made_by_unit(ValueId id) const;

 private:
  friend class InferContext;
  friend class Fuser;
  ValueId add_value(Value value);
  void infer(Node& node, NodeId id);
  // What follows takes the label and the precision of a node, or of the one that made a value.
  void record_like(const Node& node);
  void record_like(ValueId id);
  NodeId only_lookup(ValueId table) const;
  std::vector<ValueId> add_node(const std::string& op, std::vector<ValueId> inputs, Attrs attrs,
                                bool update);

  int64_t lanes_;
  bool few_;
  int gpu_;
  Algorithms forced_;
  std::string label_;
  bool bfloat16_ = false;
  std::deque<Value> values_;  // references stay valid while values are added
  std::deque<Node> nodes_;
};

}  // namespace convnet
