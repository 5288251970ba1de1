// Constraints on a variable that lies in a flat buffer, applied in place after the optimizer's
// pass.
#include "ops/constrain.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

ConstraintKind kind_of(InferContext& c) {
  const std::string kind = c.text("kind", "");
  if (kind == "non_neg") return ConstraintKind::non_neg;
  if (kind == "unit_norm") return ConstraintKind::unit_norm;
  if (kind == "max_norm") return ConstraintKind::max_norm;
  if (kind == "min_max_norm") return ConstraintKind::min_max_norm;
  c.fail("kind must be non_neg, unit_norm, max_norm or min_max_norm, got '" + kind + "'");
}

// Which axes norms are taken over.
std::vector<bool> reduced_axes(InferContext& c, int64_t rank) {
  std::vector<bool> reduced(static_cast<size_t>(rank));
  for (int64_t axis : c.dims("axes")) {
    c.check(-rank <= axis && axis < rank,
            "axis " + std::to_string(axis) + " is not among " + std::to_string(rank) + " axes");
    reduced[static_cast<size_t>((axis + rank) % rank)] = true;
  }
  return reduced;
}

void append(StridedAxes& axes, int64_t size, int64_t stride) {
  axes.size[axes.rank] = size;
  axes.stride[axes.rank++] = stride;
  axes.count *= size;
}

// Merges neighbouring axes of one kind; the last group is the inner one.
void split_axes(InferContext& c, const Dims& shape, ConstrainParams& p) {
  const std::vector<bool> reduced = reduced_axes(c, static_cast<int64_t>(shape.size()));
  p.kept.count = p.reduced.count = 1;
  p.inner = 1;
  p.inner_kept = shape.empty() || !reduced.back();
  size_t last = shape.size();
  while (last > 0 && reduced[last - 1] != p.inner_kept) p.inner *= shape[--last];
  for (size_t first = 0; first < last;) {
    size_t end = first + 1;
    while (end < last && reduced[end] == reduced[first]) ++end;
    append(reduced[first] ? p.reduced : p.kept, numel(shape, first, end), numel(shape, end));
    first = end;
  }
}

// p; kind, offset and shape of the variable, axes, min_value, max_value, rate.
void infer_constrain(InferContext& c) {
  const Dims shape = c.dims("shape");
  auto& p = c.params<ConstrainParams>();
  p.kind = kind_of(c);
  p.offset = c.integer("offset", 0);
  c.check(c.in(0).storage == Storage::Single && p.offset >= 0 &&
              p.offset + numel(shape) <= c.in(0).features(),
          "a variable of shape " + to_string(shape) + " at " + std::to_string(p.offset) +
              " is not within " + to_string(c.in(0).shape));
  c.check(shape.size() <= kConstrainRank, "at most 8 axes, got " + to_string(shape));
  p.least = static_cast<float>(c.real("min_value", 0));
  p.most = static_cast<float>(c.real("max_value", 2));
  p.rate = static_cast<float>(c.real("rate", 1));
  p.epsilon = static_cast<float>(c.real("epsilon", 1e-7));
  c.scope(Scope::Batch);
  c.impure();
  if (p.kind == ConstraintKind::non_neg) {
    p.inner = numel(shape);
    c.units(ceil_div(p.inner, kNonNegativeBlock));
    return;
  }
  split_axes(c, shape, p);
  c.units(p.kept.count * (p.inner_kept ? ceil_div(p.inner, kConstrainBlock) : 1));
}

}  // namespace

CONVNET_DEFINE_OP(constrain, infer_constrain, nullptr);

}  // namespace convnet::ops
