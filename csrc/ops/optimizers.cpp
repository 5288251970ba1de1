// Optimizers: one pass over weights, gradients and slots, which are changed in place; or, for an
// embedding table, over the rows that are looked up. Per-step scalars are
// hyper = [learning rate, steps done before].
#include "ops/optimizers.h"

#include "ops/embedding.h"
#include "ops/op.h"

namespace convnet::ops {

namespace {

// Elements of a unit: those of a unit of what the update follows, where it does.
int64_t block_of(InferContext& c) {
  const int64_t block = c.integer("block", kOptimizerBlock);
  c.check(block >= 1, "block must be at least 1, got " + std::to_string(block));
  return block;
}

// Inputs are Single and of one size, which is returned.
int64_t expect_flat(InferContext& c, int inputs, const char* what) {
  c.check(c.inputs() == inputs,
          std::string("takes ") + what + ", got " + std::to_string(c.inputs()) + " inputs");
  const int64_t size = c.in(0).features();
  for (int i = 0; i < inputs; ++i) {
    c.check(c.in(i).storage == Storage::Single, "input " + std::to_string(i) + " has a batch");
    c.check(c.in(i).features() == size, "inputs differ in size: " + to_string(c.in(0).shape) +
                                            " and " + to_string(c.in(i).shape));
  }
  for (int i = 0; i < inputs; ++i) c.input_span(static_cast<size_t>(i), {block_of(c)});
  c.scope(Scope::Batch);
  c.units(ceil_div(size, block_of(c)));
  c.impure();
  return size;
}

Phase phase_of(InferContext& c) {
  const std::string name = c.text("phase", "");
  if (name.empty()) return Phase::whole;
  if (name == "catch_up") return Phase::catch_up;
  if (name == "update") return Phase::update;
  c.check(name == "close", "there is no phase '" + name + "'");
  return Phase::close;
}

// p, g and slots, then the list of rows, how many steps each row has seen and the scalars of the
// last steps. Catching up makes the last two and knows no gradients, closing no list either.
void expect_rows(InferContext& c, int buffers, Phase phase) {
  const Dims table = c.in(0).shape;
  const int operands = buffers + (phase == Phase::catch_up ? 1 : 3);
  c.check(table.size() == 2 && c.inputs() == operands,
          "takes a table and " + std::to_string(operands - 1) + " more inputs by the row, got " +
              std::to_string(c.inputs()) + " inputs, the first of shape " + to_string(table));
  for (int i = 0; i < buffers; ++i)
    if (i != 1 || phase == Phase::update) c.expect_shape(i, table, "gradients and slots");
  c.scope(Scope::Batch);
  c.units(kOptimizerRowUnits);
  c.impure();
  if (phase == Phase::close) c.closing();
  if (phase != Phase::catch_up) return;
  c.output(Storage::Single, {table[0]});
  c.output(Storage::Single, {kListedWithin, kStepScalars});
}

// Ranges of elements that decay: `decay_ranges`, or all where only `weight_decay` is given.
Dims decay_ranges(InferContext& c, int64_t size) {
  if (c.real("weight_decay", 0) == 0) return {};
  const Dims ranges = c.dims("decay_ranges", {0, size});
  int64_t last = 0;
  bool ordered = ranges.size() % 2 == 0;
  for (int64_t at : ranges) {
    ordered = ordered && last <= at && at <= size;
    last = at;
  }
  c.check(ordered, "decay_ranges must be begin, end, begin, end, ... in order and at most " +
                       std::to_string(size) + ", got " + to_string(ranges));
  return ranges;
}

OptimizerParams& read_params(InferContext& c, int slots, const char* what) {
  const Phase phase = phase_of(c);
  if (phase == Phase::whole)
    expect_flat(c, 2 + slots, what);
  else
    expect_rows(c, 2 + slots, phase);
  const int64_t size = c.in(0).features();
  const Dims ranges = decay_ranges(c, size);
  auto& p = c.params<OptimizerParams>(ranges);
  p.size = size;
  p.block = block_of(c);
  p.decay_ranges = static_cast<int64_t>(ranges.size()) / 2;
  p.weight_decay = static_cast<float>(c.real("weight_decay", 0));
  p.accumulation_steps = c.integer("accumulation_steps", 1);
  c.check(p.accumulation_steps >= 1, "accumulation_steps must be at least 1");
  p.epsilon = c.real("epsilon", 1e-7);
  p.phase = phase;
  if (phase == Phase::whole) return p;
  c.check(p.accumulation_steps == 1, "gradients of rows cannot be accumulated");
  p.rows = c.in(0).shape[0];
  p.columns = c.in(0).shape[1];
  return p;
}

void infer_sgd(InferContext& c) {
  const double momentum = c.real("momentum", 0);
  auto& p = momentum != 0 ? read_params(c, 1, "p, g, momentum") : read_params(c, 0, "p, g");
  p.momentum = momentum;
  p.variant = c.flag("nesterov", false);
}

// Adam and its kin: two decays.
void with_betas(InferContext& c, OptimizerParams& p, double beta_2) {
  p.decay_1 = c.real("beta_1", 0.9);
  p.decay_2 = c.real("beta_2", beta_2);
}

void infer_adam(InferContext& c) {
  const bool amsgrad = c.flag("amsgrad", false);
  auto& p = amsgrad ? read_params(c, 3, "p, g, momentum, velocity, velocity_hat")
                    : read_params(c, 2, "p, g, momentum, velocity");
  with_betas(c, p, 0.999);
  p.variant = amsgrad;
}

void infer_adamax(InferContext& c) {
  with_betas(c, read_params(c, 2, "p, g, momentum, norm"), 0.999);
}
void infer_nadam(InferContext& c) {
  with_betas(c, read_params(c, 2, "p, g, momentum, velocity"), 0.999);
}
void infer_lion(InferContext& c) { with_betas(c, read_params(c, 1, "p, g, momentum"), 0.99); }

void infer_rmsprop(InferContext& c) {
  const double momentum = c.real("momentum", 0);
  const bool centered = c.flag("centered", false);
  auto& p = read_params(c, 1 + (momentum > 0) + centered,
                        "p, g, velocity, then momentum and average_gradient where they are used");
  p.decay_1 = c.real("rho", 0.9);
  p.momentum = momentum;
  p.variant = centered;
}

void infer_adagrad(InferContext& c) { read_params(c, 1, "p, g, accumulator"); }

void infer_adadelta(InferContext& c) {
  read_params(c, 2, "p, g, accumulated_grad, accumulated_delta_var").decay_1 = c.real("rho", 0.95);
}

// g, accumulated: gradients are summed until the step that updates, whose g becomes the mean.
void infer_gradient_accumulate(InferContext& c) {
  const int64_t size = expect_flat(c, 2, "g, accumulated"), steps = c.integer("steps");
  c.check(steps >= 1, "steps must be at least 1, got " + std::to_string(steps));
  c.params<GradientAccumulateParams>() = {size, block_of(c), steps};
}

// p, average.
void infer_ema(InferContext& c) {
  auto& p = c.params<EmaParams>();
  p.size = expect_flat(c, 2, "p, average");
  p.block = block_of(c);
  p.momentum = c.real("momentum", 0.99);
  p.overwrite_frequency = c.integer("overwrite_frequency", 0);
  p.accumulation_steps = c.integer("accumulation_steps", 1);
  c.check(p.accumulation_steps >= 1, "accumulation_steps must be at least 1");
}

}  // namespace

CONVNET_DEFINE_OP(sgd, infer_sgd, nullptr);
CONVNET_DEFINE_OP(adam, infer_adam, nullptr);
CONVNET_DEFINE_OP(adamax, infer_adamax, nullptr);
CONVNET_DEFINE_OP(nadam, infer_nadam, nullptr);
CONVNET_DEFINE_OP(lion, infer_lion, nullptr);
CONVNET_DEFINE_OP(rmsprop, infer_rmsprop, nullptr);
CONVNET_DEFINE_OP(adagrad, infer_adagrad, nullptr);
CONVNET_DEFINE_OP(adadelta, infer_adadelta, nullptr);
CONVNET_DEFINE_OP(gradient_accumulate, infer_gradient_accumulate, nullptr);
CONVNET_DEFINE_OP(ema, infer_ema, nullptr);

}  // namespace convnet::ops
