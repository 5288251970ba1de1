// Convolutions by Winograd's minimal filtering, samples in lanes: see ops/winograd.h.
#pragma once

#include "cpu/kernels/index.h"
#include "ops/winograd.h"

namespace convnet::CONVNET_ISA {

void conv2d_by_winograd(const KernelArgs& a);
void conv2d_backward_input_by_winograd(const KernelArgs& a);

// Calls f.template operator()<NY, MY, NX, MX>() for the tiles that ops/winograd.cpp chooses from.
template <class F>
CONVNET_INLINE void with_winograd_tile(const WinogradTile& tile, F f) {
  if (tile.ny == 1) {
    if (tile.nx == 4) return f.template operator()<1, 1, 4, 2>();
    if (tile.mx == 4) return f.template operator()<1, 1, 6, 4>();
    if (tile.mx == 3) return f.template operator()<1, 1, 6, 3>();
    return f.template operator()<1, 1, 6, 2>();
  }
  if (tile.nx == 4) return f.template operator()<4, 2, 4, 2>();
  if (tile.mx == 4) return f.template operator()<6, 4, 6, 4>();
  return f.template operator()<6, 2, 6, 2>();
}

// Result channels in blocks of 1 to 3 quarters (of kWinogradChannels; where registers are few, half
// as wide), the last one filled up with zeros.
constexpr int kBlockStep = kRegisters >= 32 ? kWinogradChannels / 3 : kWinogradChannels / 6;

struct ChannelBlocks {
  int64_t steps;

  explicit ChannelBlocks(int64_t channels) : steps(div_up(channels, kBlockStep)) {}
  int64_t count() const { return div_up(steps, 3); }
  int64_t first(int64_t block) const { return cut(steps, count(), block) * kBlockStep; }
  int64_t width(int64_t block) const { return first(block + 1) - first(block); }
};

}  // namespace convnet::CONVNET_ISA
