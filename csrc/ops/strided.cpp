// Ops that read their input in another order: transpose, slice, reverse, tile.
#include "ops/strided.h"

#include <algorithm>

#include "ops/op.h"

namespace convnet::ops {

namespace {

const Value& movable(InferContext& c) {
  const Value& x = c.in(0);
  c.check(x.storage == Storage::Batched || x.storage == Storage::Single,
          std::string("cannot move a ") + name_of(x.storage) + " value");
  return x;
}

// Strides of a row-major array.
Dims strides_of(const Dims& shape) {
  Dims strides(shape.size());
  for (size_t i = 0; i < shape.size(); ++i) strides[i] = numel(shape, i + 1);
  return strides;
}

// Parameters and units for a result of `size`, whose axes step through the input by `stride` from
// `first`.
void read_strided(InferContext& c, Dims size, Dims stride, int64_t first) {
  const Value& x = c.in(0);
  size.insert(size.begin(), x.fold);
  stride.insert(stride.begin(), numel(x.shape));
  Dims sizes, strides;  // without axes of size 1, neighbours merged where they can be walked as one
  for (size_t i = 0; i < size.size(); ++i) {
    if (size[i] == 1) continue;
    if (!sizes.empty() && strides.back() == stride[i] * size[i]) {
      sizes.back() *= size[i];
      strides.back() = stride[i];
    } else {
      sizes.push_back(size[i]);
      strides.push_back(stride[i]);
    }
  }
  if (sizes.empty()) sizes = strides = {1};
  c.check(sizes.size() <= kStridedRank, "too many axes: " + to_string(x.shape));
  auto& p = c.params<StridedParams>();
  p.rank = static_cast<int64_t>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), p.size);
  std::copy(strides.begin(), strides.end(), p.stride);
  p.first = first;
  p.rows = numel(sizes, 0, sizes.size() - 1);
  if (sizes.back() == 0) p.rows = 0;
  p.squares =
      sizes.size() == 2 && strides[0] == 1 && (x.storage == Storage::Single || c.lanes() == 1);
  if (p.squares) return c.units(ceil_div(sizes[1], kColumnsOfSquares));
  p.rows_per_unit = std::max<int64_t>(1, kMovedBlock / std::max<int64_t>(1, sizes.back()));
  c.units(ceil_div(p.rows, p.rows_per_unit));
}

// x; perm: axis of x that becomes axis i.
void infer_transpose(InferContext& c) {
  const Dims x = movable(c).shape, perm = c.dims("perm"), strides = strides_of(x);
  Dims size, stride, sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool valid = perm.size() == x.size();
  for (size_t i = 0; i < sorted.size(); ++i) valid = valid && sorted[i] == static_cast<int64_t>(i);
  c.check(valid, "perm " + to_string(perm) + " does not permute the axes of " + to_string(x));
  for (int64_t axis : perm) {
    size.push_back(x[static_cast<size_t>(axis)]);
    stride.push_back(strides[static_cast<size_t>(axis)]);
  }
  read_strided(c, size, stride, 0);
  c.output_like(0, size);
}

void transpose_gradient(GradContext& g) {
  const Dims perm = std::get<Dims>(g.attrs().at("perm"));
  Dims inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i)
    inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  g.set(0, g.add1("transpose", {g.grad()}, {{"perm", inverse}}));
}

// x; begin, size, strides -> every strides[d]-th place from begin[d] on, size[d] of them.
void infer_slice(InferContext& c) {
  const Dims x = movable(c).shape, begin = c.dims("begin"), size = c.dims("size");
  const Dims steps = c.dims("strides", Dims(x.size(), 1));
  c.check(begin.size() == x.size() && size.size() == x.size() && steps.size() == x.size(),
          "begin, size and strides must have one entry for each axis of " + to_string(x));
  Dims stride = strides_of(x);
  int64_t first = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    c.check(begin[i] >= 0 && size[i] >= 0 && steps[i] >= 1 &&
                (size[i] == 0 || begin[i] + (size[i] - 1) * steps[i] < x[i]),
            "begin " + to_string(begin) + ", size " + to_string(size) + ", strides " +
                to_string(steps) + " leave " + to_string(x));
    first += begin[i] * stride[i];
    stride[i] *= steps[i];
  }
  read_strided(c, size, stride, first);
  c.output_like(0, size);
}

void slice_gradient(GradContext& g) {
  const Dims x = g.value(g.in(0)).shape, y = g.value(g.out()).shape;
  const Dims begin = std::get<Dims>(g.attrs().at("begin"));
  const auto strides = g.attrs().find("strides");
  const Dims steps =
      strides == g.attrs().end() ? Dims(x.size(), 1) : std::get<Dims>(strides->second);
  Dims after(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    after[i] = x[i] - begin[i] - (y[i] ? (y[i] - 1) * steps[i] + 1 : 0);
  g.set(0, g.add1("pad", {g.grad()}, {{"before", begin}, {"after", after}, {"strides", steps}}));
}

// x; axis.
void infer_reverse(InferContext& c) {
  const Dims x = movable(c).shape;
  const int64_t axis = c.integer("axis");
  c.check(0 <= axis && axis < static_cast<int64_t>(x.size()),
          "axis " + std::to_string(axis) + " is not among those of " + to_string(x));
  Dims stride = strides_of(x);
  const auto along = static_cast<size_t>(axis);
  const int64_t first = stride[along] * std::max<int64_t>(x[along] - 1, 0);
  stride[along] *= -1;
  read_strided(c, x, stride, first);
  c.output_like(0, x);
}

void reverse_gradient(GradContext& g) {
  g.set(0, g.add1("reverse", {g.grad()}, {{"axis", g.attrs().at("axis")}}));
}

// x; repeats: times that each axis is repeated as a whole.
void infer_tile(InferContext& c) {
  const Dims x = movable(c).shape, repeats = c.dims("repeats"), strides = strides_of(x);
  c.check(repeats.size() == x.size() &&
              std::all_of(repeats.begin(), repeats.end(), [](int64_t n) { return n >= 0; }),
          "repeats " + to_string(repeats) + " do not fit the axes of " + to_string(x));
  Dims size, stride, y;
  for (size_t i = 0; i < x.size(); ++i) {
    size.insert(size.end(), {repeats[i], x[i]});
    stride.insert(stride.end(), {0, strides[i]});
    y.push_back(repeats[i] * x[i]);
  }
  read_strided(c, size, stride, 0);
  c.output_like(0, y);
}

void tile_gradient(GradContext& g) {
  const Dims x = g.value(g.in(0)).shape, repeats = std::get<Dims>(g.attrs().at("repeats"));
  Dims split, axes;
  for (size_t i = 0; i < x.size(); ++i) {
    if (repeats[i] != 1) {
      axes.push_back(static_cast<int64_t>(split.size()));
      split.push_back(repeats[i]);
    }
    split.push_back(x[i]);
  }
  if (axes.empty()) return g.set(0, g.grad());
  const ValueId parts = g.add1("reshape", {g.grad()}, {{"shape", split}});
  g.set(0, g.add1("reduce", {parts},
                  {{"fn", std::string("sum")}, {"axes", axes}, {"keepdims", false}}));
}

}  // namespace

CONVNET_DEFINE_OP(transpose, infer_transpose, transpose_gradient, Lanes::few);
CONVNET_DEFINE_OP(slice, infer_slice, slice_gradient, Lanes::few);
CONVNET_DEFINE_OP(reverse, infer_reverse, reverse_gradient, Lanes::few);
CONVNET_DEFINE_OP(tile, infer_tile, tile_gradient, Lanes::few);

}  // namespace convnet::ops
