// Convolutions by Winograd's minimal filtering F(m, k): tiles of m results of a filter of k taps
// from n = m + k - 1 products, in each axis. The filter, tiles of the input and the sums of
// products are transformed between samples of a polynomial at n points and its coefficients.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convnet {

// n is 1 (an axis of one tap), 4, 6 or 8 points; 0 where a convolution is summed
// directly.
struct WinogradTile {
  int32_t my, ny, mx, nx;

  bool used() const { return nx > 0; }
  const char* algorithm() const {
    return !used() ? "direct" : nx == 4 ? "winograd4" : nx == 6 ? "winograd6" : "winograd8";
  }
  int64_t points() const { return int64_t{ny} * nx; }
  int64_t across(int64_t width) const { return (width + mx - 1) / mx; }
  int64_t tiles(int64_t height, int64_t width) const {
    return (height + my - 1) / my * across(width);
  }
};

constexpr int64_t kTilesOfUnit = 2;  // tiles of a unit of work
// Result channels of a register tile, at most; blocks of them are a multiple of a quarter as wide.
constexpr int64_t kWinogradChannels = 12;

// One sample, channels in lanes: a unit of work is a group of tiles with all result channels or,
// where tiles are few, all tiles with some of the channels. Either way the tiles are transformed by
// the thread that uses them.
constexpr int64_t kRowTiles = 12;     // tiles of a register tile
constexpr int64_t kRowChannels = 32;  // and its channels, at most
constexpr int64_t kPointGap = 16;     // floats between points, so that they lie in different sets
constexpr int64_t kRowSums = kRowTiles * kRowChannels + kPointGap;  // sums of a point

struct WinogradUnits {
  int64_t tiles, vectors;  // of 16 result channels
  int64_t groups, parts;   // of tiles and channels: one of them is 1

  WinogradUnits(int64_t tiles, int64_t channels)
      : tiles(tiles), vectors((channels + 15) / 16), groups(1), parts(1) {
    const int64_t full = (tiles + kRowTiles - 1) / kRowTiles, even = 2 * ((channels + 127) / 128);
    if (full < 4 && vectors >= 4)
      parts = even < vectors ? even : vectors;
    else  // some for every thread
      groups = full < 4 ? (tiles < 16 ? (tiles + 3) / 4 : 4) : full;
  }
  int64_t count() const { return groups * parts; }
  int64_t first_tile(int64_t group) const { return tiles * group / groups; }
  int64_t most_tiles() const { return (tiles + groups - 1) / groups; }
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
