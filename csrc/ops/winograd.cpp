#include "ops/winograd.h"

#include <algorithm>
#include <string>

#include "ops/winograd_choice.h"

namespace convnet::ops {

namespace {

// Vector operations that transform n inputs to n points, and n products to m results.
double to_points_cost(int32_t n) { return n == 1 ? 0 : n == 4 ? 4 : n == 6 ? 14 : 26; }
double from_points_cost(int32_t n, int32_t m) {
  return n == 1 ? 0 : n == 4 ? 4 : n == 6 ? 5 + 2 * m : 8 + 2 * m;
}

// Of a tile and channel, with loads and stores.
double input_cost(const WinogradTile& t) {
  return static_cast<double>(3 * t.points()) + t.nx * to_points_cost(t.ny) +
         t.ny * to_points_cost(t.nx);
}
double output_cost(const WinogradTile& t) {
  return static_cast<double>(3 * t.points()) + t.nx * from_points_cost(t.ny, t.my) +
         t.my * from_points_cost(t.nx, t.mx);
}

// Multiply-adds of a vector, or what takes as long.
double cost(const WinogradTile& t, int64_t height, int64_t width, int64_t C, int64_t OC) {
  return static_cast<double>(t.tiles(height, width)) *
         (static_cast<double>(t.points() * C * OC) + input_cost(t) * static_cast<double>(C) +
          output_cost(t) * static_cast<double>(OC));
}

constexpr double kPhase = 2000;    // handing a phase of the work to other threads
constexpr double kLeastReuse = 4;  // loading a filter takes as long as using it so often

// The same for one sample with the channels in lanes.
double cost_of_one(const WinogradTile& t, int64_t height, int64_t width, int64_t C, int64_t OC) {
  const double tiles = static_cast<double>(t.tiles(height, width));
  const double in = static_cast<double>(ceil_div(C, kLanes)),
               out = static_cast<double>(ceil_div(OC, kLanes));
  return tiles * (input_cost(t) * in + output_cost(t) * out) +
         static_cast<double>(t.points() * C) * out * std::max(tiles, kLeastReuse);
}

// Pairs of a result and a tap that reads inside the image, along one axis.
int64_t pairs(int64_t results, int64_t size, int64_t k, int64_t before) {
  int64_t n = 0;
  for (int64_t tap = 0; tap < k; ++tap)
    n += std::max<int64_t>(
        0, std::min(results, size + before - tap) - std::max<int64_t>(0, before - tap));
  return n;
}

// The direct sum must cost this much more before the exact result is given up for it.
constexpr double kMargin = 0.9;
// The same for gradients of weights, whose sums pass through a cache again for each block of tiles.
constexpr double kWeightMargin = 0.8;
constexpr int64_t kLeastWeightChannels = 16;  // fewer leave registers empty

}  // namespace

namespace {

// The tile that costs least, if it costs less than `direct`, the multiply-adds of the direct sum.
template <class Cost>
WinogradTile fastest_tile(InferContext& c, const Conv2dParams& p, double direct, Cost cost) {
  const std::string algorithm = c.text("algorithm", c.forced("conv2d")),
                    precision = c.forced("precision");
  c.check(algorithm.empty() || algorithm == "direct" || algorithm == "winograd4" ||
              algorithm == "winograd6" || algorithm == "winograd8",
          "algorithm must be direct, winograd4, winograd6 or winograd8, got '" + algorithm + "'");
  const bool row = p.KH == 1 && p.OH == 1 && p.KW >= 3 && p.KW <= 5;
  const bool square = p.KH == p.KW && (p.KH == 3 || p.KH == 5);
  if (c.cuda() || algorithm == "direct" || !(row || square) || p.groups != 1 || p.sy != 1 ||
      p.sx != 1 || p.dy != 1 || p.dx != 1)
    return {};
  const auto k = static_cast<int32_t>(p.KW);
  const bool forced = !algorithm.empty();
  double best = forced ? 1e300 : direct;
  WinogradTile chosen{};
  for (const int32_t n : {4, 6, 8}) {
    const int32_t m = n + 1 - k;
    if (m < 2 || (n > 4 && precision == "highest")) continue;
    // Squares of eight points, whose error is twice that of six, gain much for 5x5 kernels only.
    if (n == 8 && !row && k < 5) continue;
    if (forced && algorithm != "winograd" + std::to_string(n)) continue;
    const WinogradTile tile = row ? WinogradTile{1, 1, m, n} : WinogradTile{m, n, m, n};
    const double time = cost(tile);
    if (time < best) best = time, chosen = tile;
  }
  return chosen;
}

// Multiply-adds of the direct sum for one sample, without those that read padding.
int64_t direct_products(const Conv2dParams& p) {
  return pairs(p.OH, p.H, p.KH, p.top) * pairs(p.OW, p.W, p.KW, p.left) * p.C * p.OC;
}

}  // namespace

WinogradTile winograd_tile(InferContext& c, const Conv2dParams& p, bool transposed) {
  const int64_t height = transposed ? p.H : p.OH, width = transposed ? p.W : p.OW;
  const int64_t C = transposed ? p.OC : p.C, OC = transposed ? p.C : p.OC;
  const bool one = c.lanes() == 1;
  const int64_t direct =
      one ? height * width * p.taps() * C * ceil_div(OC, kLanes) : direct_products(p);
  return fastest_tile(c, p, kMargin * static_cast<double>(direct), [&](const WinogradTile& tile) {
    return (one ? cost_of_one : cost)(tile, height, width, C, OC);
  });
}

WinogradTile winograd_weight_tile(InferContext& c, const Conv2dWeightParams& p) {
  const bool few = std::min(p.C, p.OC) < kLeastWeightChannels;
  const double direct = few ? 0 : kWeightMargin * static_cast<double>(direct_products(p));
  return fastest_tile(c, p, direct, [&](const WinogradTile& tile) {
    const WinogradWeightBlocks blocks(p.C, p.OC);
    const auto tiles = static_cast<double>(tile.tiles(p.OH, p.OW)),
               points = static_cast<double>(tile.points()),
               transforms_x = static_cast<double>(p.C * blocks.out),
               transforms_dy = static_cast<double>(p.OC * blocks.in),
               sums = static_cast<double>(p.C * p.OC);
    // Points of dy are transposed as well; sums are transformed once a shard at most.
    return tiles * (points * sums + input_cost(tile) * transforms_x +
                    (output_cost(tile) + 4 * points) * transforms_dy) +
           points * sums / 2;
  });
}

void use_winograd(InferContext& c, const Conv2dParams& p, bool transposed) {
  const WinogradTile& tile = p.tile;
  const Dims extents = {tile.my, tile.ny, tile.mx, tile.nx};
  const int64_t tiles = transposed ? tile.tiles(p.H, p.W) : tile.tiles(p.OH, p.OW);
  const bool one = c.lanes() == 1;
  c.derive("winograd_pack", {c.in_id(1)},
           {{"tile", extents}, {"transposed", transposed}, {"one", one}});
  int64_t scratch;  // floats
  if (one) {
    const WinogradUnits units(tiles, p.OC);
    c.units(p.outer * units.count());
    scratch = tile.points() * (units.most_tiles() * p.C + kPointGap + kRowSums);
  } else {
    c.units(p.outer * ceil_div(tiles, kTilesOfUnit));
    // Points and sums of two vectors of tiles, and sums of a tile, in vectors of at most all lanes.
    const int64_t summed = transposed ? p.OC : p.C;
    scratch = tile.points() * (kTilesOfUnit * (summed + 2 * kWinogradChannels) + 3) * kLanes;
  }
  c.scratch(static_cast<size_t>(scratch) * sizeof(float));
}

namespace {

void infer_winograd_pack(InferContext& c) {
  const Dims w = c.in(0).shape, tile = c.dims("tile");
  auto& p = c.params<WinogradPackParams>();
  p.tile = {static_cast<int32_t>(tile[0]), static_cast<int32_t>(tile[1]),
            static_cast<int32_t>(tile[2]), static_cast<int32_t>(tile[3])};
  p.KH = w[0], p.KW = w[1], p.C = w[2], p.OC = w[3];
  p.transposed = c.flag("transposed", false);
  p.one = c.flag("one", false);
  c.units(ceil_div(p.summed(), kLanes));
  c.output(Storage::Single, {p.tile.points(), p.summed(), ceil_div(p.results(), kLanes) * kLanes});
}

}  // namespace

CONVNET_DEFINE_OP(winograd_pack, infer_winograd_pack, nullptr);

}  // namespace convnet::ops
