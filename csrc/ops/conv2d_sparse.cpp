// Backward of a convolution under max pooling, of 2x2 windows, others or all pixels. Of each one
// pixel carries gradient, and a ReLU or dropout leaves fewer: per sample, with channels in lanes,
// only those are visited.
#include "ops/conv2d_sparse.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

// Attributes that conv2d hands to each op of the family.
SparseParams& read(InferContext& c) {
  auto& p = c.params<SparseParams>();
  c.algorithm("sparse");
  const Dims size = c.dims("size"), kernel = c.dims("kernel"), result = c.dims("result"),
             windows = c.dims("windows", {0, 0}), padding = c.dims("padding", {0, 0, 0, 0});
  p.H = size[0], p.W = size[1], p.C = size[2];
  p.KH = kernel[0], p.KW = kernel[1], p.OC = kernel[2];
  p.OH = result[0], p.OW = result[1];
  p.PH = windows[0], p.PW = windows[1];
  p.top = padding[0], p.left = padding[2];
  p.alive = c.integer("alive", p.most());
  return p;
}

void infer_images(InferContext& c) {
  auto& p = read(c);
  p.outer = c.in(0).features() / (p.H * p.W * p.C);
  c.units(p.outer * p.height());
  c.output(Storage::PerShard, {p.outer, 16, p.height(), p.width(), p.pitch()});
}

// dz [.., PH, PW, OC] and winners Bits, or dz [.., OH, OW, OC] and none.
void infer_lists(InferContext& c) {
  auto& p = read(c);
  p.outer = c.in(0).features() / (p.most() * p.OC);
  c.units(p.outer * p.OC);
  c.output(Storage::PerShard, {p.outer, p.OC, 16, p.list()});
}

// z [OH, OW, OC], the largest of all pixels [OC], their gradient -> the Extremes of each channel,
// with the gradient of z, which pixels that share a maximum share, before a ReLU where z is the
// result of one; and the sum of each channel's.
void infer_extremes(InferContext& c) {
  auto& p = read(c);
  p.outer = 1;
  p.relu_after = c.flag("relu_after", false);
  c.units(p.OC);
  c.output(Storage::PerShard, {p.OC, Extremes::floats(p.most())});
  c.output_like(0, {p.OC});
}

// images, lists -> dw as [OC][KH][KW][pitch].
void infer_weight(InferContext& c) {
  auto& p = read(c);
  p.outer = c.in(1).shape[0];
  c.units(p.OC);
  c.flops(p.operations());
  c.output(Storage::Slotted, {p.OC, p.KH, p.KW, p.pitch()});
}

// dz and winners as for lists, packed weights -> gradient images.
void infer_input(InferContext& c) {
  auto& p = read(c);
  p.outer = c.in(0).features() / (p.most() * p.OC);
  c.units(p.outer * 16);
  c.flops(p.operations());
  c.scratch(static_cast<size_t>(16 * kListedWindows * p.window_list()) * sizeof(float));
  c.output(Storage::PerShard, {p.outer, 16, p.height(), p.width(), p.pitch()});
}

// images, Extremes -> dw as [OC][KH][KW][pitch].
void infer_listed_weight(InferContext& c) {
  auto& p = read(c);
  p.outer = 1;
  c.units(p.OC);
  c.flops(p.operations());
  c.output(Storage::Slotted, {p.OC, p.KH, p.KW, p.pitch()});
}

// Extremes, weights as [OC][KH][KW][pitch], images to begin with|None -> gradient images.
void infer_listed_input(InferContext& c) {
  auto& p = read(c);
  if (c.inputs() == 2) c.append_input(kNone);
  p.outer = 1;
  c.units(16);
  c.flops(p.operations());
  c.output(Storage::PerShard, {p.outer, 16, p.height(), p.width(), p.pitch()});
}

// Gradient images, the convolution's input -> its gradient.
void infer_lanes(InferContext& c) {
  auto& p = read(c);
  p.relu = c.flag("relu", false);
  p.outer = c.in(0).shape[0];
  c.units(p.outer * p.H);
  c.output_like(1);
}

// w [KH, KW, C, OC] -> in the order that it is read for gradient images.
void infer_pack(InferContext& c) {
  auto& p = read(c);
  c.units(p.OC);
  c.output(Storage::Single, {p.OC, p.KH, p.KW, p.pitch()});
}

// w [KH, KW, C, OC] -> [OC][KH][KW][pitch].
void infer_listed_pack(InferContext& c) {
  auto& p = read(c);
  c.units(ceil_div(p.OC, 16));
  c.output(Storage::Single, {p.OC, p.KH, p.KW, p.pitch()});
}

// dw [OC][KH][KW][pitch] -> [KH, KW, C, OC].
void infer_unpack(InferContext& c) {
  auto& p = read(c);
  c.units(ceil_div(p.OC, 16));
  c.output(Storage::Single, {p.KH, p.KW, p.C, p.OC});
}

// Convolutions that read the same pixels add to the same gradient images.
ValueId add_lanes(Graph& graph, const Node& first, const Node& second) {
  const Node& images = graph.nodes()[graph.value(second.inputs[0]).producer];
  const auto &p = *reinterpret_cast<const SparseParams*>(first.params.data()),
             &q = *reinterpret_cast<const SparseParams*>(second.params.data());
  if (images.op != find_op("sparse_listed_input") || images.inputs[2] != kNone ||
      graph.root(first.inputs[1]) != graph.root(second.inputs[1]) || p.outer != q.outer ||
      p.height() != q.height() || p.width() != q.width() || p.top != q.top || p.left != q.left ||
      p.relu != q.relu)
    return kNone;
  const std::string label = graph.label();
  graph.set_label(images.label);
  const ValueId both = graph.add(
      images.op->name, {images.inputs[0], images.inputs[1], first.inputs[0]}, images.attrs)[0];
  const ValueId sum = graph.add(second.op->name, {both, second.inputs[1]}, second.attrs)[0];
  graph.set_label(label);
  return sum;
}

}  // namespace

CONVNET_DEFINE_OP(sparse_extremes, infer_extremes, nullptr);
CONVNET_DEFINE_OP(sparse_images, infer_images, nullptr);
CONVNET_DEFINE_OP(sparse_lists, infer_lists, nullptr);
CONVNET_DEFINE_OP(sparse_weight, infer_weight, nullptr);
CONVNET_DEFINE_OP(sparse_input, infer_input, nullptr);
CONVNET_DEFINE_OP(sparse_listed_weight, infer_listed_weight, nullptr);
CONVNET_DEFINE_OP(sparse_listed_input, infer_listed_input, nullptr);
CONVNET_DEFINE_OP(sparse_listed_pack, infer_listed_pack, nullptr);
CONVNET_DEFINE_OP(sparse_lanes, infer_lanes, nullptr, Lanes::sixteen, add_lanes);
CONVNET_DEFINE_OP(sparse_pack, infer_pack, nullptr);
CONVNET_DEFINE_OP(sparse_unpack, infer_unpack, nullptr);

}  // namespace convnet::ops
