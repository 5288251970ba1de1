// Matrix products C[M][N] = A[M][K] B[K][N] whose operands are functions of an index pair, so that
// transposed matrices and images seen through a kernel's window are read where they lie. A block
// brings tiles of both into its memory while it works on those before. Where the results alone
// would not fill a GPU, K is cut in slices, whose sums are added in a fixed order: bits depend on
// shapes alone.
#pragma once

#include "cpu/kernels/activation.h"
#include "cuda/divide.h"
#include "cuda/gemm_part.h"
#include "cuda/tile_sums.h"
#include "cuda/wgmma_tile.h"

namespace convnet::cuda {

// Of products of the same shape, each below 2^31 in all directions.
struct Shape {
  int64_t M, N, K, products = 1;
};

// Stores sums, or what an activation, where there are any, makes of them and a bias.
template <bool kActivates>
struct OutputOf {
  float* y;
  const float* bias;       // [N] of each product, or null
  int64_t pitch;           // floats from row to row
  int64_t product, slice;  // from product to product, from slice to slice
  Activation activation;
  bool vector;  // whether four neighbours lie aligned, and their activation is short

  OutputOf(float* y, const float* bias, int64_t pitch, int64_t N, Activation activation,
           int64_t product = 0, int64_t slice = 0)
      : y(y),
        bias(bias),
        pitch(pitch),
        product(product),
        slice(slice),
        activation(activation),
        vector(reinterpret_cast<uintptr_t>(y) % 16 == 0 && (N | pitch | product | slice) % 4 == 0 &&
               (activation == Activation::linear || activation == Activation::relu)) {}

  // Slices [product][slice][M][N] that are added later.
  OutputOf of_slices(float* sums, const Shape& shape, int slices) const {
    return {sums,
            nullptr,
            shape.N,
            shape.N,
            Activation::linear,
            slices * shape.M * shape.N,
            shape.M * shape.N};
  }

  CONVNET_INLINE float* at(int p, int s, int m, int n) const {
    return y + p * product + s * slice + m * pitch + n;
  }
  CONVNET_INLINE float with_bias(int p, int n, float sum) const {
    return bias ? sum + bias[p * product + n] : sum;
  }
  CONVNET_INLINE void one(int p, int s, int m, int n, float sum) const {
    const Vec x = set1(with_bias(p, n, sum));
    store(at(p, s, m, n), kActivates ? activate_briefly(activation, x) : x);
  }
  CONVNET_INLINE float briefly(int p, int n, float sum) const {
    const Vec x = set1(with_bias(p, n, sum));
    return (kActivates && activation == Activation::relu ? max(zero(), x) : x).v;
  }
  CONVNET_INLINE void operator()(int p, int s, int m, int n, const float* sums) const {
    if (!vector) return one(p, s, m, n, *sums);
    const float4 sum = *reinterpret_cast<const float4*>(sums);
    *reinterpret_cast<float4*>(at(p, s, m, n)) =
        float4{briefly(p, n, sum.x), briefly(p, n + 1, sum.y), briefly(p, n + 2, sum.z),
               briefly(p, n + 3, sum.w)};
  }
};
using Output = OutputOf<true>;
using PlainOutput = OutputOf<false>;

template <class Sums, class A, class B>
struct Stage {
  static constexpr int kLeft = Layout<A::kAlong, Sums::kM>::kFloats;
  static constexpr int kFloats = kLeft + Layout<B::kAlong, Sums::kN>::kFloats;
  static constexpr int kPitch = Sums::kN + 4;  // of the sums, which are written there at the end
  static constexpr size_t kBytes =
      std::max(Sums::kStages * kFloats, Sums::kM* kPitch) * sizeof(float);
};

template <class Sums, class A, class B, class Put>
__global__ void __launch_bounds__(Sums::kThreads, kResident<Sums>)
    gemm_tile(CONVNET_PARAMETER A a, CONVNET_PARAMETER B b, CONVNET_PARAMETER Put put, int M, int N,
              int K, Slices slices) {
  CONVNET_SHARED_FLOATS(memory);
  using Tiles = Stage<Sums, A, B>;
  constexpr int kStages = Sums::kStages;
  const Part part = part_of_block<Sums>(M, N, K, slices);
  const int begin = part.begin, end = part.end;
  const Loader<decltype(a.of(0)), Sums::kM, Sums::kThreads> left(a.of(part.product), part.row, M);
  const Loader<decltype(b.of(0)), Sums::kN, Sums::kThreads> right(b.of(part.product), part.column,
                                                                  N);
  const auto load = [&](int stage, int k) {
    if (k < end) {
      left.load(memory + stage * Tiles::kFloats, k, end);
      right.load(memory + stage * Tiles::kFloats + Tiles::kLeft, k, end);
    }
    end_copies();
  };

  Sums sums;
  int stage = 0;  // to be filled: the one after it is the oldest
  // The first rounds only fill stages.
  for (int k = begin - (kStages - 1) * kDepth; k < end; k += kDepth) {
    wait_for_copies<kStages - 2>();
    __syncthreads();  // everybody's have come, and the tiles before are not needed any more
    load(stage, k + (kStages - 1) * kDepth);
    stage = stage + 1 == kStages ? 0 : stage + 1;
    if (k < begin) continue;
    const float* now = memory + stage * Tiles::kFloats;
    sums.template add<A::kAlong, B::kAlong>(now, now + Tiles::kLeft,
                                            end - k < kDepth ? end - k : kDepth);
  }
  wait_for_copies<0>();
  __syncthreads();
  sums.template write<A::kAlong, B::kAlong>(memory, Tiles::kPitch);
  __syncthreads();
  put_tile<Sums>(memory, Tiles::kPitch, put, part, M, N);
}

// The tiles that there are: those of PlainSums, of TensorSums and WgmmaSums for TF32, and of
// TensorSums for bfloat16.
constexpr int kTiles = 13;
template <class Go>
void with_tile(int tile, Go go) {
  switch (tile) {
    case 0:
      return go(std::type_identity<PlainSums<128, 128, 8, 8, 2>>{});
    case 1:
      return go(std::type_identity<PlainSums<128, 32, 8, 4, 3>>{});
    case 2:
      return go(std::type_identity<PlainSums<64, 64, 8, 4, 4>>{});
    case 3:
      return go(std::type_identity<PlainSums<32, 32, 4, 4, 4>>{});
    case 4:
      return go(std::type_identity<PlainSums<16, 64, 4, 4, 4>>{});
    case 5:
      return go(std::type_identity<TensorSums<Tf32, 128, 128, 4, 4, 4>>{});
    case 6:
      return go(std::type_identity<TensorSums<Tf32, 128, 32, 2, 4, 3>>{});
    case 7:
      return go(std::type_identity<TensorSums<Tf32, 64, 64, 2, 4, 4>>{});
    case 8:
      return go(std::type_identity<WgmmaSums<128>>{});
    case 9:
      return go(std::type_identity<WgmmaSums<64>>{});
    case 10:
      return go(std::type_identity<TensorSums<Bf16, 128, 128, 4, 4, 4>>{});
    case 11:
      return go(std::type_identity<TensorSums<Bf16, 128, 32, 2, 4, 3>>{});
    default:
      return go(std::type_identity<TensorSums<Bf16, 64, 64, 2, 4, 4>>{});
  }
}

inline bool by_wgmma(int tile) {
  bool is = false;
  with_tile(tile, [&](auto sums) { is = kByWgmma<typename decltype(sums)::type>; });
  return is;
}

struct Plan {
  int tile;
  Slices slices;
};
// The tiles that a pair of operands has: those with many rows need no 16x64; rare ones have few, or
// one of each precision.
enum class Tiles { all, most, few, one };
template <class A, class B>
constexpr Tiles kTilesOf = Tiles::all;
constexpr bool has_tile(Tiles tiles, int rows, int columns) {
  if (tiles == Tiles::all || (rows == 64 && columns == 64)) return true;
  if (tiles == Tiles::most) return rows > 16;
  return tiles == Tiles::few && (columns == 32 ? rows == 128 : columns == 64 && rows == 256);
}

// The fastest way by what is known of an H100.
Plan plan_of(const Shape& shape, const Products& products, Tiles has = Tiles::all);

template <class A, class B, class Put>
void gemm(Stream stream, const Plan& plan, const Shape& shape, A a, B b, Put put) {
  if (shape.M * shape.N * shape.products == 0) return;
  with_tile(plan.tile, [&](auto tile) {
    using Sums = typename decltype(tile)::type;
    if constexpr (has_tile(kTilesOf<A, B>, Sums::kM, Sums::kN)) {
      const int64_t tiles = div_up(shape.M, Sums::kM) * div_up(shape.N, Sums::kN);
      const dim3 grid(static_cast<unsigned>(tiles * shape.products),
                      static_cast<unsigned>(plan.slices.count));
      const auto launch_it = [&](auto kernel, size_t shared) {
        launch_sharing(kernel, grid, dim3(Sums::kThreads), shared, stream, a, b, put,
                       static_cast<int>(shape.M), static_cast<int>(shape.N),
                       static_cast<int>(shape.K), plan.slices);
      };
      if constexpr (kByWgmma<Sums>)
        launch_it(wgmma_tile<Sums, A, B, Put>, WgmmaMemory<Sums, A, B>::kBytes);
      else
        launch_it(gemm_tile<Sums, A, B, Put>, Stage<Sums, A, B>::kBytes);
    }
  });
}

constexpr int kSummed = 32;  // neighbouring elements of a block that adds slices
constexpr int kShares = kThreads / kSummed;

// out(i, the sum of element i of n): slices are dealt to kShares threads.
template <class Out>
__device__ __forceinline__ void each_sum(const float* slices, int64_t n, int count, Out out) {
  __shared__ float shares[kShares][kSummed];
  const int element = static_cast<int>(threadIdx.x) % kSummed;
  const int share = static_cast<int>(threadIdx.x) / kSummed;
  for (int64_t first = int64_t{blockIdx.x} * kSummed; first < n;
       first += int64_t{gridDim.x} * kSummed) {
    const int64_t i = first + element;
    float sum = 0.0f;
    if (i < n) {
      CONVNET_UNROLLED(8)
      for (int s = share; s < count; s += kShares) sum += slices[s * n + i];
    }
    shares[share][element] = sum;
    __syncthreads();
    if (share == 0 && i < n) {
      for (int other = 1; other < kShares; ++other) sum += shares[other][element];
      out(i, sum);
    }
    __syncthreads();
  }
}
inline dim3 blocks_of_sums(int64_t n) { return blocks_for(div_up(n, kSummed) * kThreads); }

// Adds slices [slice][n] in a fixed order.
void add_slices(Stream stream, const float* slices, float* out, int64_t n, int count);

// The same of products, whose sums lie [product][slice][M][N].
template <class Put>
__global__ void put_sums(const float* slices, Put put, int64_t n, Divisor columns, int count) {
  const int product = static_cast<int>(blockIdx.y);
  each_sum(slices + product * count * n, n, count, [&](int64_t i, float sum) {
    int column;
    const int row = columns.divide(static_cast<int>(i), column);
    put.one(product, 0, row, column, sum);
  });
}

// Bytes that the slices of a product, or of one with a smaller M, K or number of products, take.
size_t gemm_scratch(const Shape& shape);

template <class A, class B, class Put>
void gemm(const Call& call, void* scratch, const Shape& shape, A a, B b, Put put) {
  const Plan plan = plan_of(shape, call.products, kTilesOf<A, B>);
  const int count = plan.slices.count;
  if (count == 1) return gemm(call.stream, plan, shape, a, b, put);
  float* sums = static_cast<float*>(scratch);
  const int64_t size = shape.M * shape.N;
  gemm(call.stream, plan, shape, a, b, put.of_slices(sums, shape, count));
  dim3 grid = blocks_of_sums(size);
  grid.y = static_cast<unsigned>(shape.products);
  launch(put_sums<Put>, grid, dim3(kThreads), call.stream, static_cast<const float*>(sums), put,
         size, Divisor(shape.N), count);
}

}  // namespace convnet::cuda
