// How the threads of a block share the product of a recurrent step: where its weights lie, which
// result each thread sums, and the planes in which states and results meet.
#pragma once

#include "cpu/kernels/rnn_gates.h"
#include "cuda/launch.h"

namespace convnet::cuda {

constexpr int kStreaming = 512;  // threads of a block that does not hold its weights

// Any gates, of which the usual ones are not out of line.
struct MostlyUsualGates : AnyGates {
  CONVNET_INLINE Vec inner(Vec x) const {
    return activation == GateFn::tanh ? tanh(x) : AnyGates::inner(x);
  }
  CONVNET_INLINE Vec inner_slope(Vec y) const {
    return activation == GateFn::tanh ? UsualGates().inner_slope(y) : AnyGates::inner_slope(y);
  }
  CONVNET_INLINE Vec gate(Vec x) const {
    return recurrent_activation == GateFn::sigmoid ? sigmoid(x) : AnyGates::gate(x);
  }
  CONVNET_INLINE Vec gate_slope(Vec y) const {
    return recurrent_activation == GateFn::sigmoid ? UsualGates().gate_slope(y)
                                                   : AnyGates::gate_slope(y);
  }
};

template <class Gates>
struct Functions {
  Gates gates;
  __device__ __forceinline__ float inner(float x) const { return gates.inner(set1(x)).v; }
  __device__ __forceinline__ float gate(float x) const { return gates.gate(set1(x)).v; }
  __device__ __forceinline__ float inner_slope(float y) const {
    return gates.inner_slope(set1(y)).v;
  }
  __device__ __forceinline__ float gate_slope(float y) const { return gates.gate_slope(set1(y)).v; }
};

// Where number i of those that result `unit` of gate `gate` is a sum over meets its weight.
struct RecurrentWeights {
  const float* data;
  int64_t per_gate, per_unit, pitch;
  __device__ __forceinline__ const float* of(int gate, int unit) const {
    return data + gate * per_gate + unit * per_unit;
  }
};

// Weights that stay in registers, those of one result in each thread. The sums are four chains.
template <int K>
struct Held {
  static constexpr int kUnits = K;
  float w[K];

  __device__ __forceinline__ void load(const RecurrentWeights& all, int H, int results) {
    const int result = static_cast<int>(threadIdx.x);
    const float* from = all.of(result / H, result % H);
    const int there = result < results ? H : 0;
    CONVNET_REGISTERS(i, K) {
      w[i] = i < there ? *from : 0.0f;
      if (i + 1 < there) from += all.pitch;  // each time, as K products would fill pages
    }
  }
  template <int B>
  __device__ __forceinline__ void times(const float* x, int pitch, const float*, int64_t, int,
                                        float (&sum)[B]) const {
    float4 parts[B] = {};
    CONVNET_REGISTERS(i, K / 4) {
      CONVNET_REGISTERS(b, B) {
        const float4 v = reinterpret_cast<const float4*>(x + b * pitch)[i];
        parts[b].x = fmaf(v.x, w[4 * i], parts[b].x);
        parts[b].y = fmaf(v.y, w[4 * i + 1], parts[b].y);
        parts[b].z = fmaf(v.z, w[4 * i + 2], parts[b].z);
        parts[b].w = fmaf(v.w, w[4 * i + 3], parts[b].w);
      }
    }
    CONVNET_REGISTERS(b, B) {
      sum[b] = (parts[b].x + parts[b].y) + (parts[b].z + parts[b].w);
    }
  }
};

// Weights that are read anew in each step, from the second-level cache; planes lie in memory.
struct Streamed {
  static constexpr int kUnits = 0;
  __device__ __forceinline__ void load(const RecurrentWeights&, int, int) {}
  template <int B>
  __device__ __forceinline__ void times(const float* x, int pitch, const float* from, int64_t step,
                                        int H, float (&sum)[B]) const {
    CONVNET_REGISTERS(b, B) sum[b] = 0;
    constexpr int kAhead = 8;
    int i = 0;
    for (; i + kAhead <= H; i += kAhead) {
      float w[kAhead];
      CONVNET_REGISTERS(k, kAhead) w[k] = from[(i + k) * step];
      CONVNET_REGISTERS(k, kAhead) {
        CONVNET_REGISTERS(b, B) sum[b] = fmaf(x[b * pitch + i + k], w[k], sum[b]);
      }
    }
    for (; i < H; ++i) {
      const float w = from[i * step];
      CONVNET_REGISTERS(b, B) sum[b] = fmaf(x[b * pitch + i], w, sum[b]);
    }
  }
};

// The sequences and planes of a block.
template <class Weights, int B, int G>
struct Team {
  const RnnParams& p;
  const RecurrentWeights& recurrent;
  const int64_t first, sequences;
  const int H, pitch;
  float* const planes;
  Weights weights;

  __device__ __forceinline__ Team(const RnnParams& p, const RecurrentWeights& recurrent,
                                  int64_t sequences, float* planes)
      : p(p),
        recurrent(recurrent),
        first(int64_t{blockIdx.x} * B),
        sequences(sequences),
        H(static_cast<int>(p.H)),
        pitch(Weights::kUnits ? Weights::kUnits : H),
        planes(planes) {
    weights.load(recurrent, H, G * H);
  }

  __device__ __forceinline__ float& at(int plane, int b, int unit) const {
    return planes[(plane * B + b) * pitch + unit];
  }

  // i / H for i < kOf * H.
  template <int kOf>
  __device__ __forceinline__ int quotient_by_units(int i) const {
    int quotient = 0;
    CONVNET_REGISTERS(k, kOf - 1) quotient += i >= (k + 1) * H ? 1 : 0;
    return quotient;
  }

  // body(b, unit, sequence); a thread gets the same ones each time.
  template <class Body>
  __device__ __forceinline__ void each_unit(Body body) const {
    CONVNET_UNROLLED(1)
    for (int i = static_cast<int>(threadIdx.x); i < B * H; i += static_cast<int>(blockDim.x)) {
      const int b = quotient_by_units<B>(i);
      if (first + b < sequences) body(b, i - b * H, first + b);
    }
  }

  // put(gate, unit, sums, get(gate, unit)) for gates [begin, end): products with plane 0, or with
  // that of the gate. What `get` reads is on its way during the product.
  template <class Get, class Put>
  __device__ __forceinline__ void each_product(int begin, int end, bool of_gates, Get get,
                                               Put put) const {
    const auto one = [&](int result) {
      const int gate = quotient_by_units<G>(result), unit = result - gate * H;
      float sum[B];
      const auto given = get(gate, unit);
      weights.times(&at(of_gates ? gate : 0, 0, 0), pitch, recurrent.of(gate, unit),
                    recurrent.pitch, H, sum);
      put(gate, unit, sum, given);
    };
    const int thread = static_cast<int>(threadIdx.x);
    if constexpr (Weights::kUnits != 0) {
      if (begin * H <= thread && thread < end * H) one(thread);
    } else {
      for (int i = begin * H + thread; i < end * H; i += static_cast<int>(blockDim.x)) one(i);
    }
  }
};

// The planes of a block: in shared memory, filled with zeros, or in `room`.
template <class Weights, int B, int count>
__device__ __forceinline__ float* planes_of_block(float* room, int64_t H) {
  if constexpr (Weights::kUnits != 0) {
    constexpr int kSize = count * B * Weights::kUnits;
    __shared__ float4 memory[kSize / 4];
    for (int i = static_cast<int>(threadIdx.x); i < kSize / 4; i += static_cast<int>(blockDim.x))
      memory[i] = {0, 0, 0, 0};
    __syncthreads();
    return reinterpret_cast<float*>(memory);
  } else {
    return room + int64_t{blockIdx.x} * count * B * H;
  }
}

}  // namespace convnet::cuda
