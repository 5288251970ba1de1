// Ops that write their inputs into a larger result: concat and pad.
#include <algorithm>

#include "ops/op.h"
#include "ops/strided.h"

namespace convnet::ops {

namespace {

constexpr size_t kMostInputs = 24;

bool is_batched(const Value& v) { return v.storage == Storage::Batched; }

// More inputs than a kernel takes are joined in groups first.
void join_in_groups(InferContext& c) {
  while (c.inputs() > static_cast<int>(kMostInputs)) {
    std::vector<ValueId> joined, group;
    for (int i = 0; i < c.inputs(); ++i) {
      group.push_back(c.in_id(i));
      if (group.size() < kMostInputs && i + 1 < c.inputs()) continue;
      joined.push_back(group.size() == 1 ? group[0] : c.compute("concat", group, c.attrs())[0]);
      group.clear();
    }
    c.replace_inputs(joined);
  }
}

// The input whose storage and fold the result has: the first with a batch, else the first.
int pattern(InferContext& c) {
  for (int i = 0; i < c.inputs(); ++i)
    if (is_batched(c.in(i))) return i;
  return 0;
}

// xs; axis. Single inputs are repeated for each sample where others have a batch.
void infer_concat(InferContext& c) {
  c.check(c.inputs() >= 1, "takes at least one input");
  join_in_groups(c);
  const int like = pattern(c);
  const Value& first = c.in(like);
  const int64_t axis = c.integer("axis");
  c.check(0 <= axis && axis < static_cast<int64_t>(first.shape.size()),
          "axis " + std::to_string(axis) + " is not among those of " + to_string(first.shape));
  const auto along = static_cast<size_t>(axis);
  Dims shape = first.shape, list;
  shape[along] = 0;
  for (int i = 0; i < c.inputs(); ++i) {
    const Value& x = c.in(i);
    const bool single = x.storage == Storage::Single;
    c.check((single || is_batched(x)) && (single || x.fold == first.fold),
            std::string("cannot join a ") + name_of(x.storage) + " value");
    Dims other = x.shape;
    if (other.size() == shape.size()) other[along] = 0;
    Dims wanted = shape;
    wanted[along] = 0;
    c.check(other == wanted, "inputs differ beside axis " + std::to_string(axis) + ": " +
                                 to_string(first.shape) + " and " + to_string(x.shape));
    shape[along] += x.shape[along];
    const bool repeated = single && is_batched(first);
    list.insert(list.end(), {numel(x.shape, along), repeated ? numel(x.shape, 0, along) : 0});
  }
  auto& p = c.params<ConcatParams>(list);
  p.inputs = c.inputs();
  p.outer = first.fold * numel(shape, 0, along);
  p.row = numel(shape, along);
  c.units(p.outer);
  c.output_like(like, shape);
}

void concat_gradient(GradContext& g) {
  const Dims whole = g.value(g.out()).shape;
  const auto along = static_cast<size_t>(std::get<int64_t>(g.attrs().at("axis")));
  Dims begin(whole.size(), 0);
  for (int i = 0; g.in(i) != kNone; ++i) {
    const Dims shape = g.value(g.in(i)).shape;
    if (g.needs(i)) {
      ValueId part = g.add1("slice", {g.grad()}, {{"begin", begin}, {"size", shape}});
      const bool repeated = g.value(g.in(i)).storage != g.value(part).storage;
      g.set(i, repeated ? g.add1("sum_samples", {part}) : part);
    }
    begin[along] += shape[along];
  }
}

// x; before, after, value, strides: places between neighbours are padded as well where strides
// exceed 1.
void infer_pad(InferContext& c) {
  const Value& x = c.in(0);
  const size_t rank = x.shape.size();
  c.check(is_batched(x) || x.storage == Storage::Single,
          std::string("cannot pad a ") + name_of(x.storage) + " value");
  const Dims before = c.dims("before"), after = c.dims("after");
  const Dims steps = c.dims("strides", Dims(rank, 1));
  c.check(before.size() == rank && after.size() == rank && steps.size() == rank,
          "before, after and strides must have one entry for each axis of " + to_string(x.shape));
  Dims shape;
  auto& p = c.params<PadParams>();
  p.value = static_cast<float>(c.real("value", 0));
  p.run = 1;
  const auto append = [&](int64_t size, int64_t begin, int64_t count, int64_t step) {
    c.check(p.rank < kStridedRank, "too many axes: " + to_string(x.shape));
    p.size[p.rank] = size, p.begin[p.rank] = begin;
    p.count[p.rank] = count, p.step[p.rank++] = step;
  };
  append(x.fold, 0, x.fold, 1);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t n = x.shape[i];
    c.check(before[i] >= 0 && after[i] >= 0 && steps[i] >= 1,
            "cannot pad by " + to_string(before) + " and " + to_string(after));
    shape.push_back(before[i] + (n ? (n - 1) * steps[i] + 1 : 0) + after[i]);
    append(shape[i], before[i], n, steps[i]);
  }
  // Axes at the end that are not padded are runs.
  while (p.rank > 1 && p.size[p.rank - 1] == p.count[p.rank - 1]) p.run *= p.size[--p.rank];
  p.rows = p.run == 0 ? 0 : numel(Dims(p.size, p.size + p.rank - 1));
  p.rows_per_unit =
      std::max<int64_t>(1, kMovedBlock / std::max<int64_t>(1, p.size[p.rank - 1] * p.run));
  c.units(ceil_div(p.rows, p.rows_per_unit));
  c.output_like(0, shape);
}

void pad_gradient(GradContext& g) {
  const Dims shape = g.value(g.in(0)).shape;
  const auto strides = g.attrs().find("strides");
  const Attr steps = strides == g.attrs().end() ? Attr(Dims(shape.size(), 1)) : strides->second;
  g.set(0, g.add1("slice", {g.grad()},
                  {{"begin", g.attrs().at("before")}, {"size", shape}, {"strides", steps}}));
}

}  // namespace

CONVNET_DEFINE_OP(concat, infer_concat, concat_gradient, Lanes::any);
CONVNET_DEFINE_OP(pad, infer_pad, pad_gradient, Lanes::few);

}  // namespace convnet::ops
