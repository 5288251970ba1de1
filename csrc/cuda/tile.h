// Tiles of a matrix product's operands in the memory of a block: kDepth numbers of the summed index
// by kExtent rows of the left operand, or columns of the right one; both are called lines here.
//
// An operand is
//   static constexpr bool kAlong  whether what lies side by side are numbers of a line
//   bool vector                   whether four of them, from a multiple of four on, lie aligned
//   Operand of(int product)       that of a product, where there are several
//   Line line(int i)              what need be known of a line
//   bool at(Line, int k, const float*& p)   where its number k is; false: it is zero, and p is
//                                 nowhere
#pragma once

#include "cuda/copy_async.h"
#include "cuda/launch.h"

namespace convnet::cuda {

constexpr int kDepth = 16;

// How a tile lies in memory: line by line, or as the operand does where lines lie side by side.
// Pitches are such that the threads of a warp meet no bank twice.
template <bool kAlong, int kExtent>
struct Layout {
  static constexpr int kPitch = kAlong ? kDepth + 4 : kExtent + 8;
  static constexpr int kFloats = kPitch * (kAlong ? kExtent : kDepth);
  static __device__ __forceinline__ int place(int line, int k) {
    return kAlong ? line * kPitch + k : k * kPitch + line;
  }
};

// What a thread brings of each tile: groups of four numbers. It stays with its lines from tile to
// tile, so that what is to be known of them is found out once.
template <class Operand, int kExtent, int kThreadsOfBlock,
          class Place = Layout<Operand::kAlong, kExtent>>
class Loader {
  static constexpr bool kAlong = Operand::kAlong;
  static constexpr int kGroups = kExtent * kDepth / 4 / kThreadsOfBlock;
  static constexpr int kLines = kAlong ? kGroups : 1;
  static constexpr int kAcross = kAlong ? kDepth / 4 : kExtent / 4;  // groups side by side
  static_assert(kGroups > 0 && kThreadsOfBlock % kAcross == 0 && kThreadsOfBlock % kExtent == 0);

 public:
  __device__ __forceinline__ Loader(const Operand& operand, int first, int lines)
      : operand_(operand), thread_(static_cast<int>(threadIdx.x)) {
    CONVNET_REGISTERS(g, kLines) {
      const int line = first + line_of(g);
      there_ |= (line < lines ? 1u : 0u) << g;
      of_[g] = operand_.line(line < lines ? line : 0);
    }
  }

  // Numbers [k, min(k + kDepth, end)), and zeros behind them.
  __device__ __forceinline__ void load(float* tile, int k, int end) const {
    if (operand_.vector) {
      CONVNET_REGISTERS(g, kGroups) copy<16>(tile, g, line_of(g), depth_of(g), k, end);
    } else if (kAlong) {
      CONVNET_UNROLLED(1)
      for (int e = 0; e < 4; ++e)
        CONVNET_REGISTERS(g, kGroups) copy<4>(tile, g, line_of(g), depth_of(g) + e, k, end);
    } else {  // neighbouring threads have neighbouring lines
      CONVNET_UNROLLED(1)
      for (int depth = thread_ / kExtent; depth < kDepth; depth += kThreadsOfBlock / kExtent)
        copy<4>(tile, 0, line_of(0), depth, k, end);
    }
  }

 private:
  __device__ __forceinline__ int line_of(int g) const {
    if (kAlong) return thread_ / kAcross + g * (kThreadsOfBlock / kAcross);
    return operand_.vector ? thread_ % kAcross * 4 : thread_ % kExtent;
  }
  __device__ __forceinline__ int depth_of(int g) const {
    if (kAlong) return thread_ % kAcross * 4;
    return thread_ / kAcross + g * (kThreadsOfBlock / kAcross);
  }
  using Line = decltype(std::declval<Operand>().line(0));
  template <int kBytes>
  __device__ __forceinline__ void copy(float* tile, int g, int line, int depth, int k,
                                       int end) const {
    const int of = kAlong ? g : 0;
    const float* from;
    const bool inside = operand_.at(of_[of], k + depth, from) && k + depth < end;
    copy_async<kBytes>(tile + Place::place(line, depth), from, inside && (there_ >> of & 1u));
  }

  const Operand operand_;
  const int thread_;
  unsigned there_ = 0;  // a bit for each line: whether it is one of the operand's
  Line of_[kLines];
};

}  // namespace convnet::cuda
