#pragma once

#include <cstdint>

namespace convnet {

// p, g and slots are of one size, `block` elements a unit. Behind the parameters: [begin, end) of
// each range of elements that decays.
struct OptimizerParams {
  int64_t size, block;
  int64_t decay_ranges;
  int64_t accumulation_steps;  // one update for so many steps
  double decay_1, decay_2;     // beta_1 and beta_2, or rho
  double momentum, epsilon;
  float weight_decay;
  bool variant;  // nesterov, amsgrad or centered
};

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

}  // namespace convnet
