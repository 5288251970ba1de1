// Rows of a table by number.
#include "ops/embedding.h"

#include "ops/op.h"

namespace convnet::ops {

namespace {

// ids [..], table [rows, columns] -> [.., columns]. A number outside the table gives NaN. Behind
// the table there may be a value that has to be there first.
void infer_embedding(InferContext& c) {
  const Value& ids = c.in(0);
  const Dims table = c.in(1).shape;
  c.check(ids.storage == Storage::Batched, "ids must have a batch");
  c.check(table.size() == 2, "the table must have shape (rows, columns), got " + to_string(table));
  if (c.inputs() == 2) c.append_input(kNone);
  auto& p = c.params<EmbeddingParams>();
  p = {ids.features(), table[0], table[1]};
  c.units(ceil_div(p.positions, kEmbeddingPositions));
  Dims y = ids.shape;
  y.push_back(table[1]);
  c.output_like(0, y);
}

void embedding_gradient(GradContext& g) {
  if (!g.needs(1)) return;
  const int64_t rows = g.params<EmbeddingParams>().rows;
  g.set(1, g.add1("embedding_backward", {g.in(0), g.grad()}, {{"rows", rows}}));
}

EmbeddingParams& backward_params(InferContext& c) {
  const Value& ids = c.in(0);
  auto& p = c.params<EmbeddingParams>();
  p = {ids.features(), c.integer("rows"), c.in(1).shape.back()};
  c.check(c.in(1).features() == p.positions * p.columns,
          "gradient " + to_string(c.in(1).shape) + " does not fit ids " + to_string(ids.shape));
  c.scope(Scope::Batch);
  c.output(Storage::Single, {p.rows, p.columns});
  return p;
}

// ids [..], dy [.., columns] -> gradient of the whole table.
void infer_backward(InferContext& c) { c.units(ceil_div(backward_params(c).rows, kEmbeddingRows)); }

// ids -> list of the rows to go to (see embedding.h), and for each row of the table its place in
// the list, from 1 on, where the batch looks it up; else 0.
void infer_rows(InferContext& c) {
  auto& p = c.params<EmbeddingParams>();
  p = {c.in(0).features(), c.integer("rows"), 0};
  c.scope(Scope::Batch);
  c.output(Storage::Single, {kListedRows + p.rows});
  c.output(Storage::Single, {p.rows});
}

// ids, dy, places -> gradients of the rows that the batch looks up, in the order of the list, in
// the front of what has room for the whole table.
void infer_backward_rows(InferContext& c) {
  c.units(ceil_div(backward_params(c).columns, kEmbeddingColumns));
}

}  // namespace

CONVNET_DEFINE_OP(embedding, infer_embedding, embedding_gradient, Lanes::few);
CONVNET_DEFINE_OP(embedding_backward, infer_backward, nullptr, Lanes::few);
CONVNET_DEFINE_OP(embedding_rows, infer_rows, nullptr, Lanes::few);
CONVNET_DEFINE_OP(embedding_backward_rows, infer_backward_rows, nullptr, Lanes::few);

}  // namespace convnet::ops
