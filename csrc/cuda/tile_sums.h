// What the threads of a block sum up from two tiles in its memory: by multiply-adds of float32, or
// on tensor cores with operands rounded to TF32 or bfloat16.
#pragma once

#include "cuda/mma.h"
#include "cuda/tile.h"

namespace convnet::cuda {

// Sums of kM x kN; each thread has kRows x kColumns of them. Warps are 4 x 8 threads, which read
// different banks.
template <int kM_, int kN_, int kRows, int kColumns, int kStages_>
struct PlainSums {
  static constexpr int kM = kM_, kN = kN_, kStages = kStages_;
  static constexpr int kDown = kM / kRows, kAcross = kN / kColumns, kThreads = kDown * kAcross;
  static_assert(kDown % 4 == 0 && kAcross % 8 == 0 && kRows % 4 == 0 && kColumns % 4 == 0);

  int row, column;  // of the thread among kDown x kAcross
  float sum[kRows][kColumns];

  __device__ __forceinline__ PlainSums() {
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
    column = warp % (kAcross / 8) * 8 + lane % 8;
    row = warp / (kAcross / 8) * 4 + lane / 8;
    CONVNET_REGISTERS(i, kRows)
      CONVNET_REGISTERS(j, kColumns) sum[i][j] = 0.0f;
  }

  // Adds the products of the first `depth` numbers, and of zeros behind them.
  template <bool kLeftAlong, bool kRightAlong>
  __device__ __forceinline__ void add(const float* left, const float* right, int depth) {
    CONVNET_UNROLLED(1)
    for (int k = 0; k < depth; k += 2) {
      float a[2][kRows], b[2][kColumns];
      if (kLeftAlong) read_pairs<kM, kRows, kDown>(a, left, row, k);
      if (kRightAlong) read_pairs<kN, kColumns, kAcross>(b, right, column, k);
      CONVNET_REGISTERS(d, 2) {
        if (!kLeftAlong) read_fours<kM, kRows, kDown>(a[d], left, row, k + d);
        if (!kRightAlong) read_fours<kN, kColumns, kAcross>(b[d], right, column, k + d);
        CONVNET_REGISTERS(i, kRows)
          CONVNET_REGISTERS(j, kColumns) sum[i][j] = fmaf(a[d][i], b[d][j], sum[i][j]);
      }
    }
  }

  // Writes them to a matrix whose rows are `pitch` apart.
  template <bool kLeftAlong, bool kRightAlong>
  __device__ __forceinline__ void write(float* to, int pitch) const {
    CONVNET_REGISTERS(i, kRows)
      CONVNET_REGISTERS(j, kColumns)
        to[line<kLeftAlong, kDown>(row, i) * pitch + line<kRightAlong, kAcross>(column, j)] =
            sum[i][j];
  }

 private:
  // The i-th line of a thread: with lines one after the other in memory, those of the threads lie
  // side by side; otherwise a thread has four neighbours at a time, to read them at once.
  template <bool kAlong, int kOf>
  static __device__ __forceinline__ int line(int thread, int i) {
    return kAlong ? thread + i * kOf : thread * 4 + i % 4 + i / 4 * 4 * kOf;
  }
  // Of each of its lines numbers k and k + 1, or of all of them number k.
  template <int kExtent, int kCount, int kOf>
  static __device__ __forceinline__ void read_pairs(float (&numbers)[2][kCount], const float* tile,
                                                    int thread, int k) {
    CONVNET_REGISTERS(i, kCount) {
      const int at = Layout<true, kExtent>::place(line<true, kOf>(thread, i), k);
      const float2 two = *reinterpret_cast<const float2*>(tile + at);
      numbers[0][i] = two.x, numbers[1][i] = two.y;
    }
  }
  template <int kExtent, int kCount, int kOf>
  static __device__ __forceinline__ void read_fours(float (&numbers)[kCount], const float* tile,
                                                    int thread, int k) {
    CONVNET_REGISTERS(i, kCount / 4) {
      const int at = Layout<false, kExtent>::place(line<false, kOf>(thread, 4 * i), k);
      const float4 four = *reinterpret_cast<const float4*>(tile + at);
      numbers[4 * i] = four.x, numbers[4 * i + 1] = four.y;
      numbers[4 * i + 2] = four.z, numbers[4 * i + 3] = four.w;
    }
  }
};

// Sums of kM x kN; each warp has 16 kDown x 8 kAcross of them. Factor is Tf32 or Bf16.
template <class Factor, int kM_, int kN_, int kDown, int kAcross, int kStages_>
struct TensorSums {
  static constexpr int kM = kM_, kN = kN_, kStages = kStages_;
  static constexpr int kWarpsAcross = kN / (8 * kAcross);
  static constexpr int kThreads = 32 * (kM / (16 * kDown)) * kWarpsAcross;

  int row, column;  // of the warp's first sum
  int g, t;         // as in mma.h
  float sum[kDown][kAcross][4];

  __device__ __forceinline__ TensorSums() {
    const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
    row = warp / kWarpsAcross * 16 * kDown;
    column = warp % kWarpsAcross * 8 * kAcross;
    g = lane / 4, t = lane % 4;
    CONVNET_REGISTERS(i, kDown)
      CONVNET_REGISTERS(j, kAcross)
        CONVNET_REGISTERS(e, 4) sum[i][j][e] = 0.0f;
  }

  template <bool kLeftAlong, bool kRightAlong>
  __device__ __forceinline__ void add(const float* left, const float* right, int depth) {
    using Left = Layout<kLeftAlong, kM>;
    using Right = Layout<kRightAlong, kN>;
    constexpr int kStep = 8 * Factor::kNumbers;
    CONVNET_REGISTERS(step, kDepth / kStep) {
      if (kStep * step >= depth) break;
      Factor b[kAcross][2];
      CONVNET_REGISTERS(j, kAcross)
        CONVNET_REGISTERS(e, 2) b[j][e] = factor<Right>(right, column + 8 * j + g, 2 * step + e);
      CONVNET_REGISTERS(i, kDown) {
        Factor a[4];
        CONVNET_REGISTERS(e, 4)
          a[e] = factor<Left>(left, row + 16 * i + g + e % 2 * 8, 2 * step + e / 2);
        CONVNET_REGISTERS(j, kAcross) multiply_add(sum[i][j], a, b[j]);
      }
    }
  }

  template <bool kLeftAlong, bool kRightAlong>
  __device__ __forceinline__ void write(float* to, int pitch) const {
    CONVNET_REGISTERS(i, kDown)
      CONVNET_REGISTERS(j, kAcross)
        CONVNET_REGISTERS(half, 2) {
          const int at = (row + 16 * i + 8 * half + g) * pitch + column + 8 * j + 2 * t;
          *reinterpret_cast<float2*>(to + at) =
              float2{sum[i][j][2 * half], sum[i][j][2 * half + 1]};
        }
  }

 private:
  // A lane's share of the numbers of a line, of which each register's come from four neighbours:
  // the banks are others for each lane.
  template <class Place>
  __device__ __forceinline__ Factor factor(const float* tile, int line, int part) const {
    float numbers[Factor::kNumbers];
    CONVNET_REGISTERS(n, Factor::kNumbers)
      numbers[n] = tile[Place::place(line, 4 * (part * Factor::kNumbers + n) + t)];
    return rounded(numbers);
  }
};

}  // namespace convnet::cuda
