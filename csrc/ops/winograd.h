// Convolutions by Winograd's minimal filtering F(m, k): tiles of m results of a filter of k taps
// from n = m + k - 1 products, in each axis. The filter, tiles of the input and the sums of
// products are transformed between samples of a polynomial at n points and its coefficients.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convnet {

// n is 1 (an axis of one tap), 4 or 6 points; 0 where a convolution is summed directly.
struct WinogradTile {
  int32_t my, ny, mx, nx;

  bool used() const { return nx > 0; }
  int64_t points() const { return int64_t{ny} * nx; }
  int64_t across(int64_t width) const { return (width + mx - 1) / mx; }
  int64_t tiles(int64_t height, int64_t width) const {
    return (height + my - 1) / my * across(width);
  }
};

constexpr int64_t kTilesOfUnit = 2;  // tiles of a unit of work
// Result channels of a register tile, at most; blocks of them are a multiple of a quarter as wide.
constexpr int64_t kWinogradChannels = 12;

// One sample, channels in lanes: a unit of work is a group of tiles and a block of result channels.
constexpr int64_t kRowTiles = 12, kRowChannels = 32;
constexpr int64_t kPointGap = 16;  // floats between points, so that they lie in different sets
constexpr int64_t kRowSums = kRowTiles * kRowChannels + kPointGap;  // sums of a point

struct WinogradUnits {
  int64_t tiles, groups, blocks;

  WinogradUnits(int64_t tiles, int64_t channels)
      : tiles(tiles),
        groups((tiles + kRowTiles - 1) / kRowTiles),
        blocks((channels + kRowChannels - 1) / kRowChannels) {
    // Some for every thread.
    while (groups * blocks < 4 && groups * 4 < tiles) ++groups;
  }
  int64_t count() const { return groups * blocks; }
  int64_t first_tile(int64_t group) const { return tiles * group / groups; }
};

// winograd_points: tiles of an image as [outer][point][tile][C], with a gap from point to point.
struct WinogradPointsParams {
  WinogradTile tile;
  int64_t outer, H, W, C, OH, OW, top, left;

  int64_t tiles() const { return tile.tiles(OH, OW); }
  int64_t point_step() const { return tiles() * C + kPointGap; }
};

// winograd_pack: the transformed filters of a convolution (transposed: of its gradient for the
// input), as [block of result channels][point][summed channel][result channel]. The blocks are
// those of a kernel for one sample or for 16.
struct WinogradPackParams {
  WinogradTile tile;
  int64_t KH, KW, C, OC;
  bool transposed, one;

  int64_t summed() const { return transposed ? OC : C; }
  int64_t results() const { return transposed ? C : OC; }
};

}  // namespace convnet
