// Gradients of the weights of recurrent layers from shards of one sample, whose rows of dz lie with
// the columns of weights in lanes as they are. Operands as in rnn_backward_weight.cpp.
#include "cpu/kernels/one.h"
#include "cpu/kernels/outer_sum.h"
#include "ops/rnn.h"

namespace convnet::CONVNET_ISA {

namespace {

const float kOnes[1] = {1};

// One sequence. Columns [0, split) take dz and h; the others `inner_dz` and `inner` where the layer
// has them.
struct Sequence {
  const RnnWeightParams& p;
  const float *dz, *inner_dz, *x, *h, *inner;  // inner_dz, inner: null where there is none
  bool fresh;

  void add(const float* x_rows, int64_t x_step, const float* g, int64_t g_step, float* out,
           int64_t begin, int64_t end, int64_t columns) const {
    outer_sum({x_rows, g, x_step, g_step, p.T}, {out, p.M, fresh}, begin, end, columns);
  }

  // dz of the first step to be processed, and from one step to the next.
  const float* first_dz() const { return dz + p.time(0) * p.M; }
  int64_t dz_step() const { return p.go_backwards ? -p.M : p.M; }
  const float* first_inner_dz() const {
    return inner_dz ? inner_dz + p.time(0) * p.row : first_dz() + p.split;
  }
  int64_t inner_step() const { return !inner_dz ? dz_step() : p.go_backwards ? -p.row : p.row; }

  void of_inputs(float* dw, int64_t begin, int64_t end) const {
    add(x + p.time(0) * p.F, p.go_backwards ? -p.F : p.F, first_dz(), dz_step(), dw, begin, end,
        p.M);
  }
  void of_states(float* du, int64_t begin, int64_t end) const {
    add(h, p.row, first_dz(), dz_step(), du, begin, end, p.split);
    add(inner ? inner : h, p.row, first_inner_dz(), inner_step(), du + p.split, begin, end,
        p.M - p.split);
  }
  void of_biases(float* db) const {
    add(kOnes, 0, first_dz(), dz_step(), db, 0, 1, p.M);
    if (p.biases == 1) return;
    add(kOnes, 0, first_dz(), dz_step(), db + p.M, 0, 1, p.split);
    add(kOnes, 0, first_inner_dz(), inner_step(), db + p.M + p.split, 0, 1, p.M - p.split);
  }
};

}  // namespace

void rnn_backward_weight_of_one(const KernelArgs& a) {
  const auto& p = a.as<RnnWeightParams>();
  for (int64_t shard = 0; shard < a.step->shards; ++shard)
    for (int64_t o = 0; o < p.outer; ++o) {
      const auto rows = [&](int i, int64_t size) {
        return a.f32(i) ? a.f32(i) + shard * a.stride[i] + o * size : nullptr;
      };
      const Sequence sequence{p,
                              rows(0, p.T * p.M),
                              rows(1, p.T * p.row),
                              rows(2, p.T * p.F),
                              rows(3, p.h_rows * p.row),
                              rows(4, p.T * p.row),
                              shard == 0 && o == 0};
      sequence.of_inputs(a.f32(5), a.begin, least(a.end, p.F));
      sequence.of_states(a.f32(6), most(a.begin - p.F, 0), least(a.end - p.F, p.H));
      if (a.end > p.F + p.H) sequence.of_biases(a.f32(7));
    }
}

}  // namespace convnet::CONVNET_ISA
