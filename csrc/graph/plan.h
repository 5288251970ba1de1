// A plan: the graph's nodes in the order they run, cut into segments, with a place in memory for
// every value. Immutable once built; a Workspace holds the memory of one run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "cpu/kernel_table.h"
#include "graph/graph.h"
#include "graph/mirror.h"

namespace convnet {

// Where the memory of a value is.
enum class Pool {
  Shared,  // one slab a shard, kept for the whole step
  Local,   // one slab a thread, used by one shard after another
  Single,  // one block
  Slots,   // one slab a gradient slot
  Bound,   // memory the caller owns
  Piece,   // one slab a thread, which holds a piece of the value at a time
  Rows,    // rows of an array that the caller feeds or wants filled: one a shard
};

struct Place {
  Pool pool = Pool::Single;
  // Bytes within the slab or block; index of the binding or of the array; bytes of a unit of
  // pieces.
  size_t offset = 0;
};

// Nodes between two barriers. In a split stage the nodes are independent of each other and each is
// divided over the threads by its units. Otherwise each thread takes its own shards through the
// nodes.
struct Stage {
  bool split = false;
  bool fixed = false;   // depends on weights and constants only
  bool update = false;  // runs after everything else
  std::vector<NodeId> nodes;
  // Where runs of nodes end that do not depend on each other and may run at the same time.
  std::vector<size_t> level_ends;
  // Of an update stage: whether a node follows the one before it, whose units touch the same
  // elements. A thread takes a piece of them through the whole chain while it lies in its cache.
  std::vector<bool> follows;
};

// Units of a chain that make a piece, where a unit touches `elements` of each operand.
int64_t units_of_piece(int64_t elements);

// One kernel call site, ready to run.
struct Call {
  KernelFn fn = nullptr;
  const Node* node = nullptr;
  std::vector<Place> places;
  std::vector<int64_t> strides;  // in elements
  int64_t lanes = kLanes;
  bool slotted = false;  // has a Slotted output
  bool follows = false;  // takes each piece after the call before it
  int64_t piece = 0;     // units of a piece, of a call that others follow
  size_t index = 0;      // among all calls of the plan
};

struct Layout {
  size_t shared_bytes = 0;  // a shard
  size_t local_bytes = 0;   // a thread
  size_t single_bytes = 0;
  size_t slot_bytes = 0;     // a slot
  size_t scratch_bytes = 0;  // a thread
  size_t piece_bytes = 0;    // a thread
  std::map<ValueId, Place> places;
};

// Values that live in the caller's memory, by index: of the binding, or of the array of rows.
struct Outside {
  std::map<ValueId, int> bound, rows;
};
// Order of execution: shard work depth first, whole-batch work as late as it may come, updates
// last.
std::vector<Stage> schedule(const Graph& graph, const std::vector<bool>& live,
                            const Outside& outside);
// The stages of the updates, with the nodes that updates follow; the same for all `live` nodes.
std::vector<Stage> schedule_updates(const Graph& graph, const std::vector<bool>& live,
                                    const Outside& outside);
// Places for all values the stages touch, for steps of up to `capacity` samples.
Layout plan_memory(const Graph& graph, const std::vector<Stage>& stages, const Outside& outside,
                   int64_t capacity);

class Flow;
class Workspace;
class Timings;

// A call that `timings` of a run tell of.
struct TimedCall {
  const Node* node;
  bool once;  // a run, not a step
};

// What to do with a run, asked of the caller now and then.
enum class Poll { go_on, finish_step, cancel };

// What any plan is, whatever runs it: a graph with results that are wanted, and values that live in
// the caller's memory.
class Program {
 public:
  // `outputs` are copied out by `predict`; `bound` are further values that live in the caller's
  // memory.
  Program(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
          const std::vector<ValueId>& bound);
  virtual ~Program() = default;

  int64_t capacity() const { return capacity_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  const Graph& graph() const { return graph_; }
  size_t bindings() const { return binding_count_; }
  // Index of a bound value in the table that a run is handed; -1 where the value is not bound.
  int binding(ValueId value) const;
  // Whether anything that runs reads or writes the binding with this index.
  bool binding_used(size_t index) const { return binding_used_[index]; }
  // Elements that the binding of `value` must have.
  int64_t binding_size(ValueId value) const;

  // Names the block of memory that a binding lies in where the caller asks for it by `fetch`: a GPU
  // then keeps a copy from run to run. Without a block (empty) copies travel with each run.
  virtual void set_block(size_t, HostRange) {}

  // Whether inputs, float32 rows in order, are read and results written where the caller has them.
  virtual bool in_place() const { return false; }
  virtual int64_t slots(int64_t shards) const { return shards; }
  // Whether a step of `shards` shards takes so long that others should run meanwhile.
  virtual bool pays_for_threads(int64_t) const { return true; }
  // Runs the steps in order and returns how many were finished. `poll` is called on the caller's
  // thread about every 20 ms; a step that it cancels leaves weights untouched. Any number of
  // threads may be in here at once. `timings`, unless null, are filled with those of this run.
  virtual int64_t run(void* const* bindings, const StepInfo* steps, int64_t count,
                      const std::function<Poll()>& poll, Timings* timings = nullptr) const = 0;
  // Its calls in the order of their times.
  virtual std::vector<TimedCall> timed_calls() const = 0;

 protected:
  // Nodes that results, bound values, updates or states need. Results that do not leave as rows
  // leave through `scatter` nodes, which this adds; their feeds follow those of the inputs.
  std::vector<bool> live_nodes(const std::vector<ValueId>& bound,
                               const std::function<bool(size_t)>& leaves_as_row);

  Graph graph_;
  std::vector<ValueId> outputs_;
  int64_t capacity_;
  int input_count_ = 0;
  size_t binding_count_ = 0;
  std::vector<bool> binding_used_;
  Outside outside_;
};

// A plan for the CPU.
class Plan : public Program {
 public:
  // `in_place`: a graph of one lane reads inputs and writes results where the caller has them.
  Plan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
       const std::vector<ValueId>& bound, bool in_place = false);
  ~Plan() override;

  bool in_place() const override { return in_place_; }
  int64_t slots(int64_t shards) const override;
  const std::vector<Stage>& stages() const { return stages_; }
  // Whether a step changes weights or states.
  bool updates() const { return first_update_ < stages_.size(); }
  const std::vector<Call>& calls(size_t stage) const { return calls_[stage]; }
  // What follows the last step of a run.
  const std::vector<Call>& closing_calls() const { return closing_calls_; }
  // What calls wait for, where threads may relay.
  const Flow& flow() const { return *flow_; }
  // Whether a step of `shards` shards takes long enough for several threads, and for how many.
  bool pays_for_threads(int64_t shards) const override;
  int threads(int64_t shards) const;
  const std::string& isa() const { return isa_; }

  int64_t run(void* const* bindings, const StepInfo* steps, int64_t count,
              const std::function<Poll()>& poll, Timings* timings = nullptr) const override;
  std::vector<TimedCall> timed_calls() const override;

 private:
  friend class Workspace;
  friend class Runner;
  friend class KernelRunner;
  bool leaves_as_row(ValueId output) const;
  void fetch_weights(void* const* bindings) const;
  void close(void* const* bindings, const StepInfo& last, int threads, Workspace& workspace,
             Timings* timings) const;
  std::unique_ptr<Workspace> acquire() const;
  void release(std::unique_ptr<Workspace> workspace) const;

  bool in_place_;
  Layout layout_;
  std::vector<Stage> stages_;
  std::vector<std::vector<Call>> calls_;  // per stage
  std::vector<Call> closing_calls_;
  size_t call_count_ = 0;
  size_t first_update_ = 0;  // stages from here on change weights
  std::unique_ptr<const Flow> flow_;
  int64_t work_ = 0;         // operations for one sample
  int64_t shared_work_ = 0;  // of those, what threads can share
  std::string isa_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace convnet
