#include "graph/flow.h"

#include <algorithm>

#include "graph/run.h"
#include "ops/op.h"

namespace convnet {

namespace {

constexpr int64_t kLeastPiece = 1 << 16;  // operations: a microsecond or two
constexpr int64_t kWorkOfElement = 16;    // operations, where a node does not say: mostly memory
constexpr int64_t kPiecesOfThread = 2;    // so that threads that come late find some
constexpr int64_t kMostOfSequence = 10;   // pieces of work in order, which others follow

// Elements [begin, end) that units [first, last) touch of n, and the other way round.
struct Range {
  int64_t begin, end;
};
Range elements(const Span& span, int64_t n, Range units) {
  const int64_t low = std::min(n, units.begin * span.size),
                high = std::min(n, units.end * span.size);
  return span.from_end ? Range{n - high, n - low} : Range{low, high};
}
Range units_of(const Span& span, int64_t n, Range elements) {
  const int64_t low = span.from_end ? n - elements.end : elements.begin,
                high = span.from_end ? n - elements.begin : elements.end;
  return {low / span.size, ceil_div(high, span.size)};
}

}  // namespace

int64_t Cut::begin(int64_t piece) const {
  if (pieces < shards) return shards * piece / pieces * units;
  const int64_t each = pieces / shards;
  return piece / each * units + units * (piece % each) / each;
}

Flow::Flow(const Graph& graph, const std::vector<Stage>& stages, const Layout& layout) {
  for (const Stage& stage : stages)
    for (size_t i = 0; i < stage.nodes.size(); ++i) {
      // A chain is one step; as an update it waits for all others, whatever it reads and writes.
      if (!stage.follows.empty() && stage.follows[i]) continue;
      const Node& node = graph.nodes()[stage.nodes[i]];
      const bool by_shard = !stage.split && (node.scope == Scope::Shard || node.units == 1);
      Step step{&node, by_shard, stage.update, {}, {}, {}};
      const auto touch = [&](const std::vector<ValueId>& ids, const std::vector<Span>& spans) {
        std::vector<Touch> touches;
        for (size_t i = 0; i < ids.size(); ++i) {
          if (ids[i] == kNone) continue;
          const ValueId root = graph.root(ids[i]);
          const Value& value = graph.value(root);
          const Place place = layout.places.at(root);
          touches.push_back({root, place.pool, place.offset, place.offset + value.bytes(),
                             i < spans.size() ? spans[i] : Span{}, value.features(),
                             value.depends_on_batch()});
        }
        return touches;
      };
      step.reads = touch(node.inputs, node.input_spans);
      step.writes = touch(node.outputs, node.output_spans);
      steps_.push_back(std::move(step));
    }
  // What is done once a step is, so that nothing is waited for twice.
  std::vector<std::vector<bool>> implied(steps_.size(), std::vector<bool>(steps_.size()));
  const auto imply = [&](std::vector<bool>& set, int earlier) {
    set[earlier] = true;
    for (int i = 0; i < earlier; ++i) set[i] = set[i] || implied[earlier][i];
  };
  for (int later = 0; later < static_cast<int>(steps_.size()); ++later) {
    std::vector<bool> before(steps_.size());
    for (int earlier = later; earlier-- > 0;) {
      if (before[earlier]) continue;
      const std::vector<Wait> waits = waits_of(later, earlier);
      if (waits.empty()) continue;
      if (waits[0].made.size == 0) imply(before, earlier);
      imply(implied[later], earlier);
      steps_[later].waits.insert(steps_[later].waits.end(), waits.begin(), waits.end());
    }
  }
}

// Only slabs of shards are used again.
bool Flow::clash(const Touch& a, const Touch& b) {
  if (a.value == b.value) return true;
  return a.pool == b.pool && (a.pool == Pool::Shared || a.pool == Pool::Local) && a.begin < b.end &&
         b.begin < a.end;
}

// Updates come when all else is done: the memory that is theirs is not in the layout.
std::vector<Flow::Wait> Flow::waits_of(int later, int earlier) const {
  const Step &from = steps_[earlier], &to = steps_[later];
  const std::vector<Wait> all{{earlier, {}, {}, 0}};
  if (to.update) return all;
  const auto any_clash = [](const std::vector<Touch>& a, const std::vector<Touch>& b) {
    for (const Touch& x : a)
      for (const Touch& y : b)
        if (clash(x, y)) return true;
    return false;
  };
  if (any_clash(from.writes, to.writes) || any_clash(from.reads, to.writes)) return all;
  std::vector<Wait> waits;
  for (const Touch& write : from.writes)
    for (const Touch& read : to.reads) {
      if (!clash(write, read)) continue;
      if (write.value != read.value || !write.span.size || !read.span.size) return all;
      waits.push_back({earlier, write.span, read.span, write.elements});
    }
  return waits;
}

// Operations on one sample that stand for `samples`, roughly.
int64_t Flow::operations(const Step& step, int64_t samples) {
  if (step.node->work) return step.node->work * samples;
  int64_t elements = 0;
  for (const auto* touches : {&step.reads, &step.writes})
    for (const Touch& touch : *touches)
      elements = std::max(elements, touch.elements * (touch.batched ? samples : 1));
  return kWorkOfElement * elements;
}

std::vector<Cut> Flow::cuts(int64_t shards, int64_t threads) const {
  constexpr int64_t most = Relay::kMostPieces;
  std::vector<Cut> cuts;
  for (const Step& step : steps_) {
    const Node& node = *step.node;
    const int64_t apart = step.by_shard ? shards : 1;
    // Many shards, and groups whose weights are too few to be divided, are taken several at a time.
    if (const int64_t all = std::min(most, kPiecesOfThread * threads);
        step.by_shard && (apart > all || node.scope == Scope::Group)) {
      const int64_t pieces = std::min({all, apart, operations(step, shards) / kLeastPiece});
      cuts.push_back({node.units, apart, std::max<int64_t>(pieces, 1)});
      continue;
    }
    int64_t pieces = std::min(operations(step, step.by_shard ? 1 : shards) / kLeastPiece,
                              node.ordered ? kMostOfSequence : kPiecesOfThread * threads);
    // What is made bit by bit is read bit by bit.
    for (const Wait& wait : step.waits)
      if (wait.made.size) pieces = std::max(pieces, cuts[wait.on].pieces / cuts[wait.on].shards);
    // As many for each thread; those in order follow each other anyhow.
    if (pieces > 1 && apart == 1 && !node.ordered) pieces = ceil_div(pieces, threads) * threads;
    pieces = std::min({pieces, node.units, most / std::min(apart, most)});
    pieces = std::max<int64_t>(pieces, 1);
    cuts.push_back({node.units, apart, apart > most ? most : apart * pieces});
  }
  return cuts;
}

uint32_t Flow::needed(const Wait& wait, const std::vector<Cut>& cuts, int task,
                      int64_t piece) const {
  const Cut &own = cuts[task], &other = cuts[wait.on];
  Range units{0, other.units * other.shards};
  if (steps_[task].by_shard && steps_[wait.on].by_shard) {
    const Range mine{own.begin(piece), own.begin(piece + 1)};
    const Range shards{mine.begin / own.units, ceil_div(mine.end, own.units)};
    units = {shards.begin * other.units, shards.end * other.units};
    if (wait.made.size && shards.end == shards.begin + 1) {
      const int64_t first = shards.begin * own.units;
      const Range read = elements(wait.read, wait.size, {mine.begin - first, mine.end - first});
      const Range made = units_of(wait.made, wait.size, read);
      units = {units.begin + made.begin, std::min(units.end, units.begin + made.end)};
    }
  }
  uint32_t pieces = 0;
  for (int64_t p = 0; p < other.pieces; ++p)
    if (other.begin(p) < units.end && units.begin < other.begin(p + 1)) pieces |= 1u << p;
  return pieces;
}

std::vector<Relay::Task> Flow::tasks(const std::vector<Cut>& cuts, int threads) const {
  std::vector<Relay::Task> tasks(steps_.size());
  for (int t = 0; t < static_cast<int>(steps_.size()); ++t) {
    const Step& step = steps_[t];
    tasks[t].leaders = cuts[t].pieces == 1 && operations(step, 1) < kLeastPiece;
    // A crew shares one call.
    if (step.by_shard && cuts[t].pieces >= cuts[t].shards)
      tasks[t].crew = crew_of(*step.node, threads);
    tasks[t].pieces.resize(cuts[t].pieces);
    for (int64_t piece = 0; piece < cuts[t].pieces; ++piece) {
      auto& needs = tasks[t].pieces[piece];
      if (step.node->ordered && cuts[t].begin(piece) % cuts[t].units)
        needs.push_back({t, 1u << (piece - 1)});
      for (const Wait& wait : step.waits) needs.push_back({wait.on, needed(wait, cuts, t, piece)});
    }
  }
  return tasks;
}

}  // namespace convnet
