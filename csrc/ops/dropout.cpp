// Inverted dropout (Srivastava et al., JMLR 2014): what is kept is scaled by 1 / (1 - rate).
#include "ops/dropout.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

// Axes of one shard's x, and the noise's strides along them; folds have draws of their own.
DropoutParams& read(InferContext& c, const Value& x, const Dims& noise) {
  auto& p = c.params<DropoutParams>();
  c.check(noise.size() == x.shape.size(), "noise_shape " + to_string(noise) +
                                              " must have as many axes as the input " +
                                              to_string(x.shape));
  c.check(x.shape.size() < kDropoutAxes, "takes at most 7 axes, got " + to_string(x.shape));
  p.axes = static_cast<int32_t>(x.shape.size()) + 1;
  p.noise = 1;
  for (int32_t i = p.axes - 1; i >= 0; --i) {
    p.extent[i] = i ? x.shape[i - 1] : x.fold;
    const int64_t draws = i ? noise[i - 1] : x.fold;
    c.check(draws == p.extent[i] || draws == 1,
            "noise_shape " + to_string(noise) + " does not fit the input " + to_string(x.shape));
    p.stride[i] = draws == 1 ? 0 : p.noise;
    p.noise *= draws;
  }
  p.features = x.features();
  p.shared = p.noise != p.features;
  p.rate = static_cast<float>(c.real("rate"));
  p.seed = static_cast<uint32_t>(c.integer("seed", 0));
  c.check(p.rate >= 0 && p.rate <= 1, "rate must be from 0 to 1, got " + std::to_string(p.rate));
  c.units(p.shared ? 1 : ceil_div(p.features, kDropoutBlock));
  if (p.shared) return p;
  c.input_span(0, {kDropoutBlock});
  c.output_span(0, {kDropoutBlock});
  return p;
}

// x -> y, and one bit a draw and sample: kept.
void infer_dropout(InferContext& c) {
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched, "the input must have a batch");
  Dims noise = c.dims("noise_shape", {});
  if (noise.empty()) noise = x.shape;
  read(c, x, noise);
  c.output_like(0);
  c.output(Storage::Bits, noise, x.fold);
}

void dropout_gradient(GradContext& g) {
  g.set(0, g.add1("dropout_backward", {g.grad(), g.out(1)}, g.attrs()));
}

// dy, kept -> dx.
void infer_backward(InferContext& c) {
  read(c, c.in(0), c.in(1).shape);
  c.output_like(0);
}

}  // namespace

CONVNET_DEFINE_OP(dropout, infer_dropout, dropout_gradient, Lanes::few);
CONVNET_DEFINE_OP(dropout_backward, infer_backward, nullptr, Lanes::few);

}  // namespace convnet::ops
