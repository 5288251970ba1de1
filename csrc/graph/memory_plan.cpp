// Gives every value a place. Values that one thread makes and uses within one run of shard nodes
// live in that thread's slab and are overwritten by the next shard; values kept longer live in
// their shard's slab. Places within a slab are used again once a value is dead; so are those of
// values that there is one of, where weights change and nothing is kept for the next step.
#include <algorithm>

#include "graph/pack.h"
#include "graph/plan.h"

namespace convnet {

namespace {

constexpr size_t kAlign = 64;
size_t align(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

// Levels in the order of execution.
struct LifeInBlock : Life {
  int block;  // the run of shard nodes it lives in; -1 where it crosses runs
};

// Of each node its level in the order of execution, and the level up to which what it touches must
// not be overwritten: its own, or that of the last of neighbours that follow each other bit by bit,
// and may run at the same time.
struct Order {
  std::vector<int> levels, ends;

  Order(const Graph& graph, const std::vector<Stage>& stages) {
    std::vector<bool> streams;
    int level = 0;
    for (const Stage& stage : stages) {
      size_t i = 0;
      for (size_t end : stage.level_ends) {
        for (; i < end; ++i) {
          const Node& node = graph.nodes()[stage.nodes[i]];
          levels.push_back(level);
          streams.push_back(graph.lanes() == 1 &&
                            (!node.input_spans.empty() || !node.output_spans.empty()));
        }
        ++level;
      }
    }
    ends = levels;
    for (size_t i = ends.size(); i-- > 1;)
      if (streams[i - 1] && streams[i]) ends[i - 1] = ends[i];
  }
};

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<Stage>& stages, const Outside& outside,
          int64_t capacity)
      : graph_(graph), outside_(outside), kept_(graph.values().size()) {
    find_kept(stages);
    const Order order(graph, stages);
    // Of a single shard nothing is overwritten by the next one.
    const bool one_shard = graph.lanes() == kLanes && capacity <= kLanes;
    int block = 0;
    size_t position = 0;
    for (const Stage& stage : stages) {
      ++block;
      for (NodeId n : stage.nodes) {
        const Node& node = graph.nodes()[n];
        const bool alone = stage.split || node.scope == Scope::Group || one_shard;
        if (alone) ++block;
        const int level = order.levels[position], last = order.ends[position];
        for (ValueId id : node.outputs) touch(id, level, last, alone ? -1 : block);
        for (ValueId id : node.inputs)
          if (id != kNone) touch(id, level, last, alone ? -1 : block);
        layout_.scratch_bytes = std::max(layout_.scratch_bytes, align(node.scratch));
        if (stage.update && !node.update) make_in_pieces(node);
        if (alone) ++block;
        ++position;
      }
    }
    // A gap of a cache line keeps slabs of neighbouring shards off the same cache sets.
    for (const LifeInBlock& life : lives_) place(life);
    layout_.shared_bytes = pack_into(Pool::Shared, shared_, 0) + kAlign;
    layout_.local_bytes = pack_into(Pool::Local, local_, 0) + kAlign;
    layout_.single_bytes = pack_into(Pool::Single, single_, layout_.single_bytes);
  }

  Layout take() { return std::move(layout_); }

 private:
  // Values that there is one of and that outlast their last reader in a step: constants and what
  // closing nodes read; all of plans that keep what is made of weights, and of those of one lane.
  void find_kept(const std::vector<Stage>& stages) {
    const bool updates =
        std::any_of(stages.begin(), stages.end(), [](const Stage& s) { return s.update; });
    for (size_t v = 0; v < kept_.size(); ++v)
      kept_[v] = !updates || graph_.lanes() == 1 ||
                 graph_.value(static_cast<ValueId>(v)).role != Role::Temporary;
    for (const Node& node : graph_.nodes()) {
      if (!node.closing) continue;
      for (ValueId id : node.inputs)
        if (id != kNone) kept_[graph_.root(id)] = true;
    }
  }

  // A node that updates follow: what it makes is read before the next piece is made.
  void make_in_pieces(const Node& node) {
    const int64_t elements = node.output_spans[0].size;
    const size_t bytes = static_cast<size_t>(elements) * sizeof(float);
    layout_.places[node.outputs[0]] = {Pool::Piece, bytes};
    const auto units = static_cast<size_t>(std::min(node.units, units_of_piece(elements)));
    layout_.piece_bytes = std::max(layout_.piece_bytes, align(units * bytes));
  }

  void touch(ValueId id, int first, int last, int block) {
    id = graph_.root(id);
    auto it = std::find_if(lives_.begin(), lives_.end(),
                           [&](const LifeInBlock& life) { return life.value == id; });
    if (it == lives_.end()) {
      lives_.push_back({{id, align(graph_.value(id).bytes()), first, last}, block});
      return;
    }
    it->last = std::max(it->last, last);
    if (it->block != block) it->block = -1;
  }

  void place(const LifeInBlock& life) {
    const Value& value = graph_.value(life.value);
    if (layout_.places.count(life.value)) return;
    if (auto it = outside_.bound.find(life.value); it != outside_.bound.end()) {
      layout_.places[life.value] = {Pool::Bound, static_cast<size_t>(it->second)};
    } else if (auto row = outside_.rows.find(life.value); row != outside_.rows.end()) {
      layout_.places[life.value] = {Pool::Rows, static_cast<size_t>(row->second)};
    } else if (value.storage == Storage::Slotted) {
      layout_.places[life.value] = {Pool::Slots, layout_.slot_bytes};
      layout_.slot_bytes += life.bytes + kAlign;
    } else if (value.storage == Storage::Single && !kept_[life.value]) {
      single_.push_back(life);
    } else if (value.storage == Storage::Single) {
      layout_.places[life.value] = {Pool::Single, layout_.single_bytes};
      layout_.single_bytes += life.bytes + kAlign;
    } else {
      (life.block < 0 ? shared_ : local_).push_back(life);
    }
  }

  // Gives values places in a slab from `begin` on; returns its size.
  size_t pack_into(Pool pool, std::vector<Life>& lives, size_t begin) {
    const size_t bytes = pack(lives);
    for (const Life& life : lives) layout_.places[life.value] = {pool, begin + life.offset};
    return begin + bytes;
  }

  const Graph& graph_;
  const Outside& outside_;
  std::vector<bool> kept_;  // by value
  std::vector<LifeInBlock> lives_;
  std::vector<Life> shared_, local_, single_;
  Layout layout_;
};

}  // namespace

Layout plan_memory(const Graph& graph, const std::vector<Stage>& stages, const Outside& outside,
                   int64_t capacity) {
  return Planner(graph, stages, outside, capacity).take();
}

}  // namespace convnet
