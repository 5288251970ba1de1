// Tiles of matrix products by `wgmma`. Its b must lie number by number in shared memory, in a
// pattern of its own; its a may come from registers. So what a block computes is the transposed
// tile: b is the left operand, of which most products read lines along (pixels, samples), copied
// straight to where wgmma wants it; a is the right one (weights), which may lie either way, and is
// rounded in registers. A left operand that lies the other way, as for gradients of weights, is
// copied as it lies, then transposed and rounded from shared to shared memory while wgmma goes on:
// 4 bytes a copy from device memory would take more instructions than the products last.
//
// So a left operand that lies along is not rounded but cut to TF32, numbers being up to 2^-10 too
// small. Rounding it in place would take a pass over shared memory, which limits these tiles: of
// its 128 bytes a clock, at the full rate of TF32, wgmma would read 64, the loads of a 32, and
// copies write 4096 (1 / kM + 1 / kN); a transposition adds 8192 / kN.
#pragma once

#include "cuda/gemm_part.h"
#include "cuda/mma.h"
#include "cuda/tile.h"
#include "cuda/wgmma.h"

namespace convnet::cuda {

// Sums of kM x kN. Each warpgroup has those of kWgmmaColumns rows.
template <int kN_>
struct WgmmaSums {
  static constexpr int kM = 256, kN = kN_, kParts = kN / 64, kThreads = kM / kWgmmaColumns * 128;
  static constexpr int kStages = kN > 64 ? 5 : 3;  // tiles at hand and on their way, at least
};
template <class Sums>
constexpr bool kByWgmma = false;
template <int kN>
constexpr bool kByWgmma<WgmmaSums<kN>> = true;
template <>
constexpr int kResident<WgmmaSums<128>> = 1;  // as registers and memory allow

template <int kExtent>
struct Swizzled {
  static constexpr int kFloats = kExtent * kDepth;
  static __device__ __forceinline__ int place(int line, int k) { return swizzled_place(line, k); }
};

// Memory of a block, in rings of tiles. While those of a step are multiplied, the tiles of the next
// kAhead steps are on their way. Of the left operand wgmma may still read those of the step before.
// Transposed tiles are one step ahead.
template <class Sums, class A, class B>
struct WgmmaMemory {
  using Right = Layout<B::kAlong, Sums::kN>;
  using Left = Swizzled<Sums::kM>;
  using Raw = Layout<false, Sums::kM>;
  static constexpr int kAhead = Sums::kStages - 1 + (A::kAlong && Sums::kN == 64 ? 1 : 0);
  static constexpr int kLefts = A::kAlong ? kAhead + 2 : 3, kRaws = A::kAlong ? 0 : kAhead;
  static constexpr int kRights = kAhead + 1;
  static constexpr int kRaw = kLefts * Left::kFloats, kRight = kRaw + kRaws * Raw::kFloats;
  static constexpr int kPitch = Sums::kN + 4;  // of the sums, which are written there at the end
  static constexpr int kFloats = std::max(kRight + kRights * Right::kFloats, Sums::kM* kPitch);
  static constexpr size_t kBytes = kFloats * sizeof(float) + kSwizzled - 16;
  static_assert(kResident<Sums> * (kBytes + 1024) <= size_t{228} << 10);
};

#ifdef CONVNET_WGMMA

// What a thread of WgmmaSums has.
template <class Sums, class Memory>
struct WgmmaThread {
  static constexpr int kSteps = kDepth / kWgmmaDepth;

  float sum[Sums::kParts][64];
  float a[kSteps][Sums::kParts][4];  // read while wgmma still has those of the step before
  int first, line, t;                // row of the warpgroup; 16 w + g, and t, as in wgmma.h

  __device__ __forceinline__ WgmmaThread() {
    const int thread = static_cast<int>(threadIdx.x), lane = thread % 32;
    first = thread / 128 * kWgmmaColumns;
    line = thread / 32 % 4 * 16 + lane / 4, t = lane % 4;
    CONVNET_REGISTERS(p, Sums::kParts)
      CONVNET_REGISTERS(i, 64) sum[p][i] = 0.0f;
    CONVNET_REGISTERS(s, kSteps)
      CONVNET_REGISTERS(p, Sums::kParts)
        CONVNET_REGISTERS(e, 4) a[s][p][e] = 0.0f;
  }

  // Afterwards two steps of products are on their way at most: those of tiles before have ended.
  __device__ __forceinline__ void add(const float* left, const float* right) {
    const uint64_t b = wgmma_operand(left + Memory::Left::place(first, 0));
    CONVNET_REGISTERS(s, kSteps) {
      wgmma_wait<kSteps - 1>();
      CONVNET_REGISTERS(p, Sums::kParts) {
        wgmma_hold(a[s][p]);
        CONVNET_REGISTERS(e, 4) {
          const int n = 64 * p + line + e % 2 * 8, k = kWgmmaDepth * s + t + e / 2 * 4;
          a[s][p][e] = tf32_of(right[Memory::Right::place(n, k)]);
        }
      }
      wgmma_begin();
      CONVNET_REGISTERS(p, Sums::kParts) wgmma(sum[p], a[s][p], b + s * kWgmmaNext);
      wgmma_end();
    }
  }

  __device__ __forceinline__ void finish() {
    wgmma_wait<0>();
    CONVNET_REGISTERS(p, Sums::kParts) wgmma_hold(sum[p]);
  }

  __device__ __forceinline__ void write(float* to) const {
    CONVNET_REGISTERS(p, Sums::kParts)
      CONVNET_REGISTERS(i, 64) {
        const int m = first + i / 4 * 8 + 2 * t + i % 2, n = 64 * p + line + i / 2 % 2 * 8;
        to[m * Memory::kPitch + n] = sum[p][i];
      }
  }

  // A line a thread; neither reads nor writes of a warp meet a bank twice.
  static __device__ __forceinline__ void transpose(const float* raw, float* left) {
    static_assert(Sums::kThreads == Sums::kM);
    const int line = static_cast<int>(threadIdx.x);
    CONVNET_REGISTERS(part, kDepth / 4) {
      float x[4];
      CONVNET_REGISTERS(e, 4) x[e] = tf32_of(raw[Memory::Raw::place(line, 4 * part + e)]);
      *reinterpret_cast<float4*>(left + Memory::Left::place(line, 4 * part)) =
          float4{x[0], x[1], x[2], x[3]};
    }
  }
};

#endif

template <class Sums, class A, class B, class Put>
__global__ void __launch_bounds__(Sums::kThreads, kResident<Sums>)
    wgmma_tile(CONVNET_PARAMETER A a, CONVNET_PARAMETER B b, CONVNET_PARAMETER Put put, int M,
               int N, int K, Slices slices) {
#ifdef CONVNET_WGMMA
  CONVNET_SHARED_FLOATS(shared);
  using Memory = WgmmaMemory<Sums, A, B>;
  constexpr int kAhead = Memory::kAhead;
  float* const lefts = shared + (0u - shared_address(shared)) % kSwizzled / sizeof(float);
  float *const raws = lefts + Memory::kRaw, *const rights = lefts + Memory::kRight;
  const Part part = part_of_block<Sums>(M, N, K, slices);
  const Loader<decltype(a.of(0)), Sums::kM, Sums::kThreads,
               std::conditional_t<A::kAlong, typename Memory::Left, typename Memory::Raw>>
      left(a.of(part.product), part.row, M);
  const Loader<decltype(b.of(0)), Sums::kN, Sums::kThreads> right(b.of(part.product), part.column,
                                                                  N);
  const auto left_of = [&](int i) { return lefts + i % Memory::kLefts * Memory::Left::kFloats; };
  const auto raw_of = [&](int i) { return raws + i % kAhead * Memory::Raw::kFloats; };
  const auto right_of = [&](int i) {
    return rights + i % Memory::kRights * Memory::Right::kFloats;
  };
  const auto is_there = [&](int i) { return part.begin + i * kDepth < part.end; };
  const auto load = [&](int i) {
    if (is_there(i)) {
      const int k = part.begin + i * kDepth;
      left.load(A::kAlong ? left_of(i) : raw_of(i), k, part.end);
      right.load(right_of(i), k, part.end);
    }
    end_copies();
  };

  WgmmaThread<Sums, Memory> sums;
  CONVNET_UNROLLED(1)
  for (int i = 0; i < kAhead; ++i) load(i);
  if (!A::kAlong) {
    wait_for_copies<kAhead - 1>();
    __syncthreads();
    sums.transpose(raw_of(0), left_of(0));
  }
  for (int i = 0; is_there(i); ++i) {
    wait_for_copies<kAhead - (A::kAlong ? 1 : 2)>();
    show_to_wgmma();
    __syncthreads();
    sums.add(left_of(i), right_of(i));
    load(i + kAhead);
    if (!A::kAlong && is_there(i + 1)) sums.transpose(raw_of(i + 1), left_of(i + 1));
  }
  wait_for_copies<0>();
  sums.finish();
  __syncthreads();
  sums.write(lefts);
  __syncthreads();
  put_tile<Sums>(lefts, Memory::kPitch, put, part, M, N);
#endif
}

}  // namespace convnet::cuda
