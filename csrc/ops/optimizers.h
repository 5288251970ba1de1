#pragma once

#include <cstdint>

namespace convnet {

// What a node does: one pass over all elements, or part of the updates of a table by the row (see
// graph/rows.cpp): before a step, rows that it looks up catch up with the step; after it, they are
// updated; and when the run ends, all rows catch up.
enum class Phase : int64_t { whole, catch_up, update, close };

// p, g and slots are of one size, `block` elements a unit. Behind the parameters: [begin, end) of
// each range of elements that decays.
struct OptimizerParams {
  int64_t size, block;
  int64_t decay_ranges;
  int64_t accumulation_steps;  // one update for so many steps
  double decay_1, decay_2;     // beta_1 and beta_2, or rho
  double momentum, epsilon;
  Phase phase;
  int64_t rows, columns;  // of a table that is updated by the row
  float weight_decay;
  bool variant;  // nesterov, amsgrad or centered
};

// What a step multiplies by, kept until all rows have seen the step.
constexpr int64_t kStepScalars = 6;

struct GradientAccumulateParams {
  int64_t size, block, steps;
};

struct EmaParams {
  int64_t size, block;
  int64_t overwrite_frequency;  // steps after which p is set to the average; 0: never
  int64_t accumulation_steps;
  double momentum;
};

// Elements of a unit, unless it follows others: a few pages of each buffer.
constexpr int64_t kOptimizerBlock = 4096;
// Units that rows are divided into.
constexpr int64_t kOptimizerRowUnits = 64;

}  // namespace convnet
