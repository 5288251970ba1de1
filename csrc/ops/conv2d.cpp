#include "ops/conv2d.h"

#include <algorithm>

#include "ops/conv2d_weight.h"
#include "ops/depthwise.h"
#include "ops/epilogue.h"
#include "ops/op.h"
#include "ops/reduce.h"
#include "ops/winograd_choice.h"

namespace convnet::ops {

namespace {

constexpr int64_t kFewRows = 4, kSegment = 12;

// Strides, dilation, padding and groups, checked; `w` is the kernel's shape, [H, W, C] the
// convolution's input.
template <class P = Conv2dParams>
P& read_params(InferContext& c, const Dims& w, int64_t H, int64_t W, int64_t C) {
  auto& p = c.params<P>();
  c.check(w.size() == 4,
          "the kernel must have shape (height, width, in channels / groups, out channels), got " +
              to_string(w));
  const Dims strides = c.dims("strides", {1, 1}), dilation = c.dims("dilation", {1, 1}),
             padding = c.dims("padding", {0, 0, 0, 0});
  c.check(strides.size() == 2 && strides[0] > 0 && strides[1] > 0,
          "strides must be two positive integers, got " + to_string(strides));
  c.check(dilation.size() == 2 && dilation[0] > 0 && dilation[1] > 0,
          "dilation must be two positive integers, got " + to_string(dilation));
  c.check(padding.size() == 4 &&
              numel({padding[0] + 1, padding[1] + 1, padding[2] + 1, padding[3] + 1}) > 0,
          "padding must be top, bottom, left, right, got " + to_string(padding));
  p.H = H, p.W = W, p.C = C;
  p.KH = w[0], p.KW = w[1], p.OC = w[3];
  p.sy = strides[0], p.sx = strides[1], p.dy = dilation[0], p.dx = dilation[1];
  p.top = padding[0], p.left = padding[2];
  p.groups = c.integer("groups", 1);
  c.check(p.groups > 0 && C % p.groups == 0 && p.OC % p.groups == 0 && w[2] * p.groups == C,
          "kernel " + to_string(w) + " in " + std::to_string(p.groups) + " groups does not fit " +
              std::to_string(C) + " channels");
  const int64_t span_y = (p.KH - 1) * p.dy + 1, span_x = (p.KW - 1) * p.dx + 1;
  p.OH = (H + padding[0] + padding[1] - span_y) / p.sy + 1;
  p.OW = (W + padding[2] + padding[3] - span_x) / p.sx + 1;
  c.check(H + padding[0] + padding[1] >= span_y && W + padding[2] + padding[3] >= span_x,
          "kernel " + to_string(w) + " does not fit an input of " + std::to_string(H) + " x " +
              std::to_string(W));
  return p;
}

// [.., H, W, C] of a value with at least three axes.
Dims image(InferContext& c, int i) {
  const Value& x = c.in(i);
  c.check(x.storage == Storage::Batched && x.shape.size() >= 3,
          "expects a batch of images (.., height, width, channels), got " + to_string(x.shape));
  return Dims(x.shape.end() - 3, x.shape.end());
}

Dims with_image(const Value& x, int64_t H, int64_t W, int64_t C) {
  Dims shape(x.shape.begin(), x.shape.end() - 3);
  shape.insert(shape.end(), {H, W, C});
  return shape;
}

FusedPool pool_of(InferContext& c) {
  const std::string pool = c.text("pool", "");
  if (pool.empty()) return FusedPool::none;
  if (pool == "max") return FusedPool::max;
  if (pool == "average") return FusedPool::average;
  c.fail("pool must be max or average, got '" + pool + "'");
}

// Whether kernels that go through groups of few channels one by one are to be taken. The gradient
// of the weights is faster otherwise where inputs are summed. One sample has a vector of channels.
bool is_depthwise(const InferContext& c, const Conv2dParams& p, bool weight) {
  if (c.cuda() || p.pool != FusedPool::none || p.groups == 1) return false;
  if (c.lanes() == 1) return p.in_group() == 1 && p.out_group() == 1 && p.C >= 16;
  const int64_t most_in = weight ? 1 : kFewChannels, most_out = weight ? kWeightUnit : kFewChannels;
  return p.in_group() <= most_in && p.out_group() <= most_out;
}

// The kernels list the taps that matter, three integers each.
size_t tap_scratch(const Conv2dParams& p) {
  if (p.depthwise) return static_cast<size_t>(DepthwiseScratch::list_bytes(p));
  return static_cast<size_t>(p.taps()) * 3 * sizeof(int64_t);
}

// The kernel for one sample pads the image, and pools what it has computed.
size_t image_scratch(const Conv2dParams& p) {
  if (p.depthwise) return tap_scratch(p);
  const int64_t before_pool = p.pool == FusedPool::none ? 0 : p.OH * p.OW * p.OC;
  return static_cast<size_t>(p.padded_floats() + before_pool) * sizeof(float);
}

// For one sample: convolutions over few rows, such as those over time, are cut along the row.
int64_t segments_of(const Conv2dParams& p) {
  return p.pool == FusedPool::none && p.OH < kFewRows ? ceil_div(p.OW, kSegment) : 1;
}

// x, kernel, bias|None -> y, and for a fused max pool two Bits a feature: row and column of the
// winner.
void infer_conv2d(InferContext& c) {
  const Dims size = image(c, 0), w = c.in(1).shape;
  auto& p = read_params(c, w, size[0], size[1], size[2]);
  if (c.has(2)) c.expect_shape(2, {p.OC}, "bias");
  const Value& x = c.in(0);
  p.outer = x.fold * numel(x.shape, 0, x.shape.size() - 3);
  p.activation = activation_of(c);
  p.pool = pool_of(c);
  p.segments = c.lanes() == 1 && !c.cuda() ? segments_of(p) : 1;
  p.tile = winograd_tile(c, p, false);
  p.depthwise = is_depthwise(c, p, false);
  c.units(p.outer * p.rows() * p.segments);
  c.flops(p.operations());
  c.algorithm(c.cuda() ? "implicit_gemm" : p.tile.algorithm());
  c.scratch(c.lanes() == 1 ? image_scratch(p) : tap_scratch(p));
  const bool pooled = p.pool != FusedPool::none;
  const Dims y = pooled ? with_image(x, p.OH / 2, p.OW / 2, p.OC) : with_image(x, p.OH, p.OW, p.OC);
  const bool winners = p.pool == FusedPool::max && (c.cuda() || c.lanes() > 1);
  const int64_t groups = p.groups;
  c.output_like(0, y);
  if (winners) {
    Dims bits = y;
    bits.push_back(2);
    c.output(Storage::Bits, bits, x.fold);
  }
  if (c.inputs() == 2) c.append_input(kNone);
  if (p.tile.used())
    use_winograd(c, p, false);
  else if (c.cuda() || c.lanes() == 1)
    c.append_input(kNone);
  else
    c.derive("conv2d_pack", {c.in_id(1)}, {{"groups", groups}, {"transposed", false}});
}

// Below this many channels the sparse backward leaves most lanes empty.
constexpr int64_t kSparseChannels = 8;

// Whether kernels that visit single pixels can compute this gradient.
bool sparse_backward_fits(const Conv2dParams& p) {
  return p.pool != FusedPool::average && p.groups == 1 && p.sy == 1 && p.sx == 1 && p.dy == 1 &&
         p.dx == 1 && p.KH <= 5 && p.KW <= 5;
}

// Whether, of few channels, those that choose the winners' inputs lane by lane are to.
bool takes_pooled_weight(const GradContext& g) {
  if (g.cuda()) return false;
  const auto& p = g.params<Conv2dParams>();
  return p.pool == FusedPool::max && sparse_backward_fits(p) && g.forced("conv2d_backward").empty();
}

// Whether they are expected to be faster. `few_winners`: what Graph::fuse says of a convolution
// whose result is used for maxima of several pixels.
bool sparse_backward_pays(const Conv2dParams& p, bool few_winners) {
  return (p.pool == FusedPool::max || few_winners) && p.C >= kSparseChannels;
}

bool takes_sparse_backward(const GradContext& g) {
  const auto& p = g.params<Conv2dParams>();
  const std::string forced = g.forced("conv2d_backward");
  if (g.cuda() || !sparse_backward_fits(p) || forced == "direct") return false;
  return forced == "sparse" || sparse_backward_pays(p, g.flag("few_winners"));
}

Attrs sparse_attrs(const Conv2dParams& p) {
  const bool pooled = p.pool == FusedPool::max;
  return {{"size", Dims{p.H, p.W, p.C}},
          {"kernel", Dims{p.KH, p.KW, p.OC}},
          {"result", Dims{p.OH, p.OW}},
          {"windows", pooled ? Dims{p.OH / 2, p.OW / 2} : Dims{0, 0}},
          {"padding", Dims{p.top, 0, p.left, 0}}};
}

// The gradient of the weights: `op` makes it from images and lists of the pixels that won.
void sparse_weight_gradient(GradContext& g, const char* op, ValueId lists) {
  const auto& p = g.params<Conv2dParams>();
  const Attrs attrs = g.producer(lists)->attrs;
  // As for a kernel of one pixel: convolutions that read the same pixels share their images.
  Attrs pixels = sparse_attrs(p);
  pixels["kernel"] = Dims{1, 1, 1};
  pixels["result"] = Dims{p.OH + p.KH - 1, p.OW + p.KW - 1};
  pixels["windows"] = Dims{0, 0};
  const ValueId images = g.compute("sparse_images", {g.root(g.in(0))}, pixels);
  const ValueId dw = g.add1("slot_sum", {g.add1(op, {images, lists}, attrs)});
  g.set(1, g.add1("sparse_unpack", {dw}, attrs));
}

// The gradient of the input: `op` makes its images of `operands` and the weights that `pack` has
// put in order.
void sparse_input_gradient(GradContext& g, const char* op, std::vector<ValueId> operands,
                           const char* pack) {
  const Attrs attrs = sparse_attrs(g.params<Conv2dParams>());
  operands.push_back(g.add1(pack, {g.in(1)}, attrs));
  g.set(0, g.add1("sparse_lanes", {g.add1(op, operands, attrs), g.in(0)}, attrs));
}

// The gradient that max pooling hands on as dz, each number to one pixel; dz where it comes from
// elsewhere.
ValueId before_winning(const GradContext& g, ValueId dz) {
  const Node* maker = g.producer(dz);
  const bool pooled = maker && maker->op == find_op("max_pool_backward");
  return pooled && maker->outputs[0] == dz ? maker->inputs[0] : dz;
}

// Visits only the pixels that won.
void sparse_gradient(GradContext& g, ValueId dz) {
  const auto& p = g.params<Conv2dParams>();
  const ValueId winners = p.pool == FusedPool::max ? g.out(1) : kNone;
  Attrs listed = sparse_attrs(p);
  if (const ValueId dy = before_winning(g, dz); dy != dz)
    listed["alive"] = std::min(p.OH * p.OW, g.value(dy).features() / (p.outer * p.OC));
  if (g.needs(1))
    sparse_weight_gradient(g, "sparse_weight", g.add1("sparse_lists", {dz, winners}, listed));
  if (g.needs(0)) sparse_input_gradient(g, "sparse_input", {dz, winners}, "sparse_pack");
}

// Whether the result, perhaps after a ReLU, is used for the maximum of all its pixels only: its
// gradient then comes from an `extreme_backward`.
bool feeds_global_max(const GradContext& g) {
  const auto& p = g.params<Conv2dParams>();
  const Node* reader = g.producer(g.grad());
  const std::string activation = g.text("activation");
  if (!reader || reader->op != find_op("extreme_backward") || p.pool != FusedPool::none ||
      p.outer != 1 || !(activation.empty() || activation == "linear" || activation == "relu"))
    return false;
  const auto& reduced = *reinterpret_cast<const ReduceParams*>(reader->params.data());
  if (reduced.fn != Reduction::max || g.root(reader->inputs[0]) != g.root(g.out())) return false;
  const Dims& shape = g.value(reader->inputs[0]).shape;
  const uint32_t axes = reduced.axes;
  bool all = shape.back() == p.OC && !(axes >> (shape.size() - 1) & 1);
  for (size_t i = 0; i + 1 < shape.size(); ++i) all = all && (shape[i] == 1 || axes >> i & 1);
  return all;
}

// Lists the largest pixels at once, of which there are few.
void global_max_gradient(GradContext& g) {
  const std::vector<ValueId>& extreme = g.producer(g.grad())->inputs;
  Attrs attrs = sparse_attrs(g.params<Conv2dParams>());
  attrs["relu_after"] = g.text("activation") == "relu";
  const auto listed = g.add("sparse_extremes", {g.out(), extreme[1], extreme[2]}, attrs);
  if (g.needs(2)) g.set(2, g.add1("sum_samples", {listed[1]}, {{"keep", int64_t{1}}}));
  if (g.needs(1)) sparse_weight_gradient(g, "sparse_listed_weight", listed[0]);
  if (g.needs(0))
    sparse_input_gradient(g, "sparse_listed_input", {listed[0]}, "sparse_listed_pack");
}

void dense_gradient(GradContext& g, ValueId dz) {
  const auto& p = g.params<Conv2dParams>();
  Attrs attrs = g.attrs();
  attrs.erase("activation");
  attrs.erase("pool");
  attrs.erase("few_winners");
  Attrs weight = attrs;
  weight["kernel"] = Dims{p.KH, p.KW};
  const bool pooled_weight = takes_pooled_weight(g);
  if (g.needs(1) && pooled_weight) {
    g.set(1, g.add1("conv2d_pooled_weight", {g.in(0), dz, g.out(1)}, weight));
    if (!g.needs(0)) return;
  }
  if (p.pool != FusedPool::none)
    dz = g.add1("unpool2x2", {dz, p.pool == FusedPool::max ? g.out(1) : kNone},
                {{"rows", p.OH}, {"columns", p.OW}});
  if (g.needs(0)) {
    Attrs input = attrs;
    input["size"] = Dims{p.H, p.W};
    g.set(0, g.add1("conv2d_backward_input", {dz, g.in(1)}, input));
  }
  if (g.needs(1) && !pooled_weight)
    g.set(1, g.add1("conv2d_backward_weight", {g.in(0), dz}, weight));
}

void conv2d_gradient(GradContext& g) {
  if (g.value(g.in(0)).lanes == 1 && !g.cuda())
    throw NeedsLanes("convolutions train on 16 samples at once only");
  const bool sparse = takes_sparse_backward(g);
  if (sparse && feeds_global_max(g)) return global_max_gradient(g);
  const ValueId dz = before_activation(g);
  if (g.needs(2)) g.set(2, g.add1("sum_samples", {before_winning(g, dz)}, {{"keep", int64_t{1}}}));
  if (sparse)
    sparse_gradient(g, dz);
  else
    dense_gradient(g, dz);
}

// dy, kernel, bias|None -> dx of the given size (plus bias).
void infer_backward_input(InferContext& c) {
  const Dims out = image(c, 0), w = c.in(1).shape, size = c.dims("size");
  c.check(w.size() == 4 && size.size() == 2, "expects a kernel of four axes and a size of two");
  auto& p = read_params(c, w, size[0], size[1], w[2] * c.integer("groups", 1));
  c.check(out == Dims({p.OH, p.OW, p.OC}), "gradient " + to_string(out) +
                                               " does not fit the convolution's output " +
                                               to_string({p.OH, p.OW, p.OC}));
  const Value& dy = c.in(0);
  p.outer = dy.features() / (numel(out) ? numel(out) : 1);
  p.tile = winograd_tile(c, p, true);
  p.depthwise = is_depthwise(c, p, false);
  c.units(p.outer * p.H);
  c.flops(p.operations());
  c.algorithm(p.tile.algorithm());
  c.scratch(tap_scratch(p));
  const int64_t groups = p.groups;
  if (c.has(2)) c.expect_shape(2, {p.C}, "bias");
  c.output_like(0, with_image(dy, p.H, p.W, p.C));
  if (c.inputs() == 2) c.append_input(kNone);
  if (p.tile.used())
    use_winograd(c, p, true);
  else if (c.cuda())
    c.append_input(kNone);
  else
    c.derive("conv2d_pack", {c.in_id(1)}, {{"groups", groups}, {"transposed", true}});
}

// A transposed convolution is the gradient of one: its own gradient is the convolution.
void backward_input_gradient(GradContext& g) {
  Attrs attrs = g.attrs();
  attrs.erase("size");
  if (g.needs(0)) g.set(0, g.add1("conv2d", {g.grad(), g.in(1)}, attrs));
  if (g.needs(1)) {
    const auto& p = g.params<Conv2dParams>();
    attrs["kernel"] = Dims{p.KH, p.KW};
    g.set(1, g.add1("conv2d_backward_weight", {g.grad(), g.in(0)}, attrs));
  }
  if (g.needs(2)) g.set(2, g.add1("sum_samples", {g.grad()}, {{"keep", int64_t{1}}}));
}

// Whether a weight gradient should have output channels in lanes. With samples there, all lanes are
// of use, but each sum over `pixels` ends with one over lanes, which costs as much as kLaneSum
// pixels, and multiply-adds come more slowly. With channels there, dy is transposed, at the cost of
// kTranspose streams.
bool lanes_for_channels(const Conv2dWeightParams& p) {
  constexpr int64_t kLaneSum = 8, kTranspose = 3;
  const int64_t pixels = p.OH * p.OW, channels = p.out_group();
  return 7 * pixels * (p.streams() + kTranspose) * round_up(channels, 16) <=
         8 * (pixels + kLaneSum) * p.streams() * channels;
}

// Whether a weight gradient is summed over all shards at once rather than into slots: where slots
// are more than what they are made of, or where there are blocks enough for all threads.
bool takes_whole_batch(const Conv2dWeightParams& p, int64_t values) {
  constexpr int64_t kBlocks = 8;
  if (p.tile.used() && WinogradWeightBlocks(p.C, p.OC).count() >= kBlocks) return true;
  return (p.channels_in_lanes || p.tile.used()) && p.taps() * p.in_group() * p.OC > values;
}

// x, dy -> dw.
void infer_backward_weight(InferContext& c) {
  const Dims size = image(c, 0), out = image(c, 1), kernel = c.dims("kernel");
  const int64_t groups = c.integer("groups", 1);
  c.check(groups > 0 && kernel.size() == 2, "expects positive groups and a kernel of two extents");
  const Dims w = {kernel[0], kernel[1], size[2] / groups, out[2]};
  auto& p = read_params<Conv2dWeightParams>(c, w, size[0], size[1], size[2]);
  c.check(out == Dims({p.OH, p.OW, p.OC}), "gradient " + to_string(out) +
                                               " does not fit the convolution's output " +
                                               to_string({p.OH, p.OW, p.OC}));
  const int64_t values = c.in(0).features() + c.in(1).features();
  p.outer = c.in(0).features() / (numel(size) ? numel(size) : 1);
  p.tile = winograd_weight_tile(c, p);
  p.depthwise = is_depthwise(c, p, true);
  p.channels_in_lanes = !p.tile.used() && !p.depthwise && lanes_for_channels(p);
  p.whole_batch = c.cuda() || takes_whole_batch(p, values * c.lanes());
  c.flops(p.operations());
  c.algorithm(p.tile.algorithm());
  if (p.tile.used()) {
    const WinogradWeightBlocks blocks(p.C, p.OC);
    c.units(blocks.count());
    c.scratch(static_cast<size_t>(blocks.scratch(p.tile.points())) * sizeof(float));
  } else if (p.depthwise) {
    c.units(p.groups);
    c.scratch(static_cast<size_t>(DepthwiseScratch::list_bytes(p)) +
              kDepthwiseBlock * static_cast<size_t>(p.streams()) * kLanes * sizeof(float));
  } else if (p.channels_in_lanes) {
    c.units(p.groups * ceil_div(p.out_group(), kWeightLanes) *
            ceil_div(p.streams(), kWeightStreams));
    c.scratch(kWeightPixels * 16 * kWeightLanes * sizeof(float));
  } else {
    c.units(p.groups * ceil_div(p.out_group(), kWeightUnit));
  }
  if (p.whole_batch) c.scope(Scope::Batch);
  c.output(p.whole_batch ? Storage::Single : Storage::Slotted, w);
}

// x, dz [.., OH / 2, OW / 2, OC], winners Bits -> dw.
void infer_pooled_weight(InferContext& c) {
  const Dims size = image(c, 0), out = image(c, 1), kernel = c.dims("kernel");
  const Dims w = {kernel[0], kernel[1], size[2], out[2]};
  auto& p = read_params(c, w, size[0], size[1], size[2]);
  c.check(out == Dims({p.OH / 2, p.OW / 2, p.OC}), "gradient " + to_string(out) +
                                                       " does not fit the pooled output of " +
                                                       to_string({p.OH, p.OW, p.OC}));
  p.outer = c.in(0).features() / (numel(size) ? numel(size) : 1);
  c.units(p.OC);
  c.flops(p.operations());
  c.algorithm("winners");
  c.scratch(static_cast<size_t>(p.padded_height() * p.padded_width() * kLanes) * sizeof(float));
  c.output(Storage::Slotted, w);
}

void infer_pack(InferContext& c) {
  const Dims w = c.in(0).shape;
  auto& p = c.params<Conv2dPackParams>();
  p.groups = c.integer("groups");
  p.taps = w[0] * w[1];
  p.in_group = w[2];
  p.out_group = w[3] / p.groups;
  p.transposed = c.flag("transposed", false);
  c.units(p.taps);
  c.output(Storage::Single, w);
}

// dz [.., h, w, C], winners Bits|None -> [.., rows, columns, C]: to the winner of each 2x2 window,
// or a quarter to each.
void infer_unpool(InferContext& c) {
  const Dims size = image(c, 0);
  auto& p = c.params<Conv2dParams>();
  const Value& dz = c.in(0);
  p.OH = c.integer("rows"), p.OW = c.integer("columns"), p.OC = size[2];
  p.H = size[0], p.W = size[1];
  p.outer = dz.features() / (numel(size) ? numel(size) : 1);
  c.units(p.outer * ceil_div(p.OH, 2));
  c.output_like(0, with_image(dz, p.OH, p.OW, p.OC));
}

}  // namespace

CONVNET_DEFINE_OP(conv2d, infer_conv2d, conv2d_gradient, Lanes::few);
CONVNET_DEFINE_OP(conv2d_backward_input, infer_backward_input, backward_input_gradient);
CONVNET_DEFINE_OP(conv2d_backward_weight, infer_backward_weight, nullptr);
CONVNET_DEFINE_OP(conv2d_pack, infer_pack, nullptr);
CONVNET_DEFINE_OP(conv2d_pooled_weight, infer_pooled_weight, nullptr);
CONVNET_DEFINE_OP(unpool2x2, infer_unpool, nullptr);

}  // namespace convnet::ops
