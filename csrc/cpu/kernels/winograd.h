// Convolutions by Winograd's minimal filtering, samples in lanes: see ops/winograd.h.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/winograd.h"

namespace convnet::CONVNET_ISA {

void conv2d_by_winograd(const KernelArgs& a);
void conv2d_of_one_by_winograd(const KernelArgs& a);
void conv2d_backward_input_by_winograd(const KernelArgs& a);

// Calls f.template operator()<NY, MY, NX, MX>() for the tiles that ops/winograd.cpp chooses from.
template <class F>
CONVNET_INLINE void with_winograd_tile(const WinogradTile& tile, F f) {
  if (tile.ny == 1) {
    if (tile.nx == 4) return f.template operator()<1, 1, 4, 2>();
    if (tile.mx == 6) return f.template operator()<1, 1, 8, 6>();
    if (tile.mx == 5) return f.template operator()<1, 1, 8, 5>();
    if (tile.nx == 8) return f.template operator()<1, 1, 8, 4>();
    if (tile.mx == 4) return f.template operator()<1, 1, 6, 4>();
    if (tile.mx == 3) return f.template operator()<1, 1, 6, 3>();
    return f.template operator()<1, 1, 6, 2>();
  }
  if (tile.nx == 4) return f.template operator()<4, 2, 4, 2>();
  if (tile.nx == 8) return f.template operator()<8, 4, 8, 4>();
  if (tile.mx == 4) return f.template operator()<6, 4, 6, 4>();
  return f.template operator()<6, 2, 6, 2>();
}

// Result channels in nearly equal blocks of up to `most` steps, the last one filled up with zeros.
struct ChannelBlocks {
  int64_t step, steps, most;

  int64_t count() const { return div_up(steps, most); }
  int64_t first(int64_t block) const { return cut(steps, count(), block) * step; }
  int64_t width(int64_t block) const { return first(block + 1) - first(block); }
};

// Those of a register tile with 16 samples in lanes: up to kWinogradChannels or, where registers
// are few, half of them.
constexpr int kBlockStep = kRegisters >= 32 ? kWinogradChannels / 3 : kWinogradChannels / 6;
CONVNET_INLINE ChannelBlocks channel_blocks(int64_t channels) {
  return {kBlockStep, div_up(channels, kBlockStep), 3};
}

// Those of one sample, whose channels are in lanes: up to two vectors of them.
CONVNET_INLINE ChannelBlocks vector_blocks(int64_t channels) {
  return {kWidth, div_up(channels, kWidth), 2};
}

}  // namespace convnet::CONVNET_ISA
