// What the calls of a step wait for, where they need not run one after the other: calls that made
// what they read, or that must have read what they overwrite. Where both sides say what a unit
// touches, some units wait for some units.
#pragma once

#include <vector>

#include "graph/plan.h"
#include "graph/relay.h"

namespace convnet {

// A call cut into pieces, of each shard by itself or of all shards together.
struct Cut {
  int64_t units;   // of a shard, or of all together
  int64_t shards;  // 1 where they are together
  int64_t pieces;  // in all

  // Units of all shards, counted through, of pieces before `piece`: pieces either lie within shards
  // or are made of whole ones.
  int64_t begin(int64_t piece) const;
};

class Flow {
 public:
  Flow(const Graph& graph, const std::vector<Stage>& stages, const Layout& layout);

  // How calls are cut, in the order of the stages, and what their pieces wait for.
  std::vector<Cut> cuts(int64_t shards, int64_t threads) const;
  std::vector<Relay::Task> tasks(const std::vector<Cut>& cuts, int threads) const;

 private:
  // A call waits for an earlier one: for all of it, or, of a value of `size` elements, for what
  // made those that a unit reads.
  struct Wait {
    int on;
    Span made, read;
    int64_t size;
  };
  // A value that a call reads or writes, and where it lies.
  struct Touch {
    ValueId value;
    Pool pool;
    size_t begin, end;
    Span span;
    int64_t elements;
    bool batched;  // so many for each sample
  };
  struct Step {
    const Node* node;
    bool by_shard, update;
    std::vector<Touch> reads, writes;
    std::vector<Wait> waits;
  };
  static int64_t operations(const Step& step, int64_t samples);
  static bool clash(const Touch& a, const Touch& b);
  std::vector<Wait> waits_of(int later, int earlier) const;
  uint32_t needed(const Wait& wait, const std::vector<Cut>& cuts, int task, int64_t piece) const;

  std::vector<Step> steps_;
};

}  // namespace convnet
