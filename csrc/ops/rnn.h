// Parameter blocks of the recurrent layers and of the ops that they are made of.
#pragma once

#include <cstdint>

namespace convnet {

// Activations whose derivative follows from their result.
enum class GateFn : int32_t {
  linear,
  relu,
  relu6,
  leaky_relu,
  elu,
  selu,
  sigmoid,
  hard_sigmoid,
  tanh,
  hard_tanh,
  softplus,
  softsign,
  exponential,
};

// lstm, gru, simple_rnn and their gradients. A step is counted in the order of processing.
struct RnnParams {
  int64_t outer;       // folds and leading axes: independent sequences of one sample
  int64_t T, H;        // steps, units
  int64_t rows;        // steps that the saved values hold: T, or 1 where there will be no gradient
  int64_t row;         // floats of a saved row: of H [16], or of H in whole vectors
  int32_t xw, packed;  // operands: x W + b, and the first recurrent weights as packed by rnn_pack
  int32_t out;         // the first output
  GateFn activation, recurrent_activation;
  bool go_backwards, return_sequences, zero_output_for_mask, reset_after;
  bool shared;  // threads may share a step: weights for 16 samples are packed gate by gate

  int64_t time(int64_t step) const { return go_backwards ? T - 1 - step : step; }
};

// rnn_pack: columns [first, first + M) of w [K][pitch], or of its transpose: for 16 samples in the
// panels of cpu/kernels/rnn_product.h, for one in rows of `row` floats, zero up to whole vectors.
struct RnnPackParams {
  int64_t K, M, first, pitch;
  int64_t row;  // 0: panels
  bool transpose;
  int64_t gates;  // columns are those of so many gates, each packed by itself to be shared; 0: not
};
constexpr int64_t kRnnPackBlock = 16;  // columns of a unit, where there are no panels
// Floats from row to row of M packed columns: an odd number of cache lines, so that blocks of
// columns are spread over all sets of a cache.
constexpr int64_t rnn_pitch(int64_t M) { return ((M + 15) / 16 | 1) * 16; }

// rnn_project: x [rows][K], packed weights or none, b [M] -> y [rows][M], of each sample.
struct RnnProjectParams {
  int64_t rows, K, M;
  int32_t packed;
  bool transpose;  // of the weights as they lie; packed ones are
};

// rnn_dropout: x [outer][T][F] times mask [outer][F], of each sample.
struct RnnDropoutParams {
  int64_t outer, T, F;
};

// rnn_backward_weight: dz [outer][T][M] with x [outer][T][F], of each sample, and saved rows of
// the states h [outer][h_rows][row].
struct RnnWeightParams {
  int64_t outer, T, F, H, M, h_rows, row;
  int64_t split;   // from this column on, dU takes the operands `inner`, `inner_dz` where present
  int64_t biases;  // rows of db
  bool go_backwards;

  int64_t time(int64_t step) const { return go_backwards ? T - 1 - step : step; }
};

constexpr int64_t kRnnRing = 128;  // samples that rnn_backward_weight keeps transposed

}  // namespace convnet
