// Pooling over height and width: the largest element or the mean of each window; padding takes part
// in neither.
#include "ops/pool.h"

#include <stdexcept>

#include "ops/op.h"

namespace convnet::ops {

namespace {

// Sizes from the attributes size, strides and padding (top, bottom, left, right), for an input of H
// x W.
PoolParams& read_params(InferContext& c, int64_t outer, int64_t H, int64_t W, int64_t C) {
  const Dims size = c.dims("size"), strides = c.dims("strides", size);
  const Dims padding = c.dims("padding", {0, 0, 0, 0});
  c.check(size.size() == 2 && size[0] > 0 && size[1] > 0,
          "size must be two positive integers, got " + to_string(size));
  c.check(strides.size() == 2 && strides[0] > 0 && strides[1] > 0,
          "strides must be two positive integers, got " + to_string(strides));
  c.check(padding.size() == 4,
          "padding must be top, bottom, left, right, got " + to_string(padding));
  for (size_t i = 0; i < 4; ++i)
    c.check(padding[i] >= 0 && padding[i] < size[i / 2],
            "padding " + to_string(padding) + " must be less than the window's size " +
                to_string(size));
  const int64_t high = H + padding[0] + padding[1] - size[0];
  const int64_t wide = W + padding[2] + padding[3] - size[1];
  c.check(high >= 0 && wide >= 0, "a window of " + to_string(size) + " does not fit an image of " +
                                      std::to_string(H) + " x " + std::to_string(W));
  auto& p = c.params<PoolParams>();
  p = {outer,
       H,
       W,
       C,
       high / strides[0] + 1,
       wide / strides[1] + 1,
       size[0],
       size[1],
       strides[0],
       strides[1],
       padding[0],
       padding[2]};
  return p;
}

// [.., H, W, C] -> [.., h, w, C].
Dims resized(const Dims& shape, int64_t h, int64_t w) {
  Dims result = shape;
  result[shape.size() - 3] = h;
  result[shape.size() - 2] = w;
  return result;
}

const Value& image(InferContext& c) {
  const Value& x = c.in(0);
  c.check((x.storage == Storage::Batched || x.storage == Storage::Single) && x.shape.size() >= 3,
          "expects images (.., height, width, channels), got " + to_string(x.shape));
  return x;
}

// Folds and leading axes.
int64_t outer_of(const Value& x) { return x.fold * numel(x.shape, 0, x.shape.size() - 3); }

PoolParams& infer_forward(InferContext& c) {
  const Value& x = image(c);
  const size_t rank = x.shape.size();
  auto& p = read_params(c, outer_of(x), x.shape[rank - 3], x.shape[rank - 2], x.shape[rank - 1]);
  c.units(p.outer * p.OH);
  c.output_like(0, resized(x.shape, p.OH, p.OW));
  return p;
}

void infer_avg_pool(InferContext& c) { infer_forward(c); }

// x -> y, and for a batch which element of each window won, a bit a sample.
void infer_max_pool(InferContext& c) {
  const auto& p = infer_forward(c);
  const Value& x = c.in(0);
  Dims winners = resized(x.shape, p.OH, p.OW);
  // On the GPU the number of the tap.
  if (c.cuda() && x.storage == Storage::Batched) c.output(Storage::Bits, winners, x.fold);
  if (x.lanes == 1) return;
  winners.insert(winners.end() - 1, p.KH * p.KW);
  c.output(Storage::Bits, winners, x.fold);
}

// dy -> dx; `image`: height and width of dx.
void infer_backward(InferContext& c) {
  const Value& dy = image(c);
  const Dims size = c.dims("image");
  const auto& p = read_params(c, outer_of(dy), size[0], size[1], dy.shape.back());
  c.units(p.outer * p.H);
  c.output_like(0, resized(dy.shape, p.H, p.W));
}

Attrs backward_attrs(const GradContext& g) {
  const auto& p = g.params<PoolParams>();
  Attrs attrs = g.attrs();
  attrs["image"] = Dims{p.H, p.W};
  return attrs;
}

void avg_pool_gradient(GradContext& g) {
  g.set(0, g.add1("avg_pool_backward", {g.grad()}, backward_attrs(g)));
}

void max_pool_gradient(GradContext& g) {
  const Value& x = g.value(g.in(0));
  if (x.storage != Storage::Batched)
    throw std::invalid_argument("max_pool: only a batch of images has a gradient");
  if (x.lanes == 1 && !g.cuda()) throw NeedsLanes("max pooling trains on 16 samples at once only");
  g.set(0, g.add1("max_pool_backward", {g.grad(), g.out(1)}, backward_attrs(g)));
}

}  // namespace

CONVNET_DEFINE_OP(avg_pool, infer_avg_pool, avg_pool_gradient, Lanes::few);
CONVNET_DEFINE_OP(avg_pool_backward, infer_backward, nullptr);
CONVNET_DEFINE_OP(max_pool, infer_max_pool, max_pool_gradient, Lanes::few);
CONVNET_DEFINE_OP(max_pool_backward, infer_backward, nullptr);

}  // namespace convnet::ops
