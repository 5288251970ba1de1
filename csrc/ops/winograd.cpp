#include "ops/winograd.h"

#include <algorithm>
#include <string>

#include "ops/winograd_choice.h"

namespace convnet::ops {

namespace {

// Vector operations that transform n inputs to n points, and n products to m results.
double to_points_cost(int32_t n) { return n == 1 ? 0 : n == 4 ? 4 : 14; }
double from_points_cost(int32_t n, int32_t m) { return n == 1 ? 0 : n == 4 ? 4 : 5 + 2 * m; }

// Multiply-adds of a vector, or what takes as long.
double cost(const WinogradTile& t, int64_t height, int64_t width, int64_t C, int64_t OC) {
  const double points = static_cast<double>(t.points());
  const double input = 3 * points + (t.nx + t.ny) * to_points_cost(t.nx);
  const double output = 3 * points + (t.nx + t.my) * from_points_cost(t.nx, t.mx);
  return static_cast<double>(t.tiles(height, width)) *
         (points * static_cast<double>(C * OC) + input * static_cast<double>(C) +
          output * static_cast<double>(OC));
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

}  // namespace

WinogradTile winograd_tile(InferContext& c, const Conv2dParams& p, bool transposed) {
  const std::string algorithm = c.text("algorithm", ""), precision = c.text("precision", "");
  c.check(algorithm.empty() || algorithm == "direct" || algorithm == "winograd4" ||
              algorithm == "winograd6",
          "algorithm must be direct, winograd4 or winograd6, got '" + algorithm + "'");
  const bool row = p.KH == 1 && p.OH == 1 && p.KW >= 3 && p.KW <= 5;
  const bool square = p.KH == p.KW && (p.KH == 3 || p.KH == 5);
  if (c.lanes() == 1 || algorithm == "direct" || !(row || square) || p.groups != 1 || p.sy != 1 ||
      p.sx != 1 || p.dy != 1 || p.dx != 1)
    return {};
  const int64_t height = transposed ? p.H : p.OH, width = transposed ? p.W : p.OW;
  const int64_t C = transposed ? p.OC : p.C, OC = transposed ? p.C : p.OC;
  const auto k = static_cast<int32_t>(p.KW);
  const bool forced = !algorithm.empty();
  const int64_t direct =
      pairs(p.OH, p.H, p.KH, p.top) * pairs(p.OW, p.W, p.KW, p.left) * p.C * p.OC;
  double best = forced ? 1e300 : kMargin * static_cast<double>(direct);
  WinogradTile chosen{};
  for (const int32_t n : {4, 6}) {
    const int32_t m = n + 1 - k;
    if (m < 2 || (n == 6 && precision == "highest")) continue;
    if (forced && algorithm != "winograd" + std::to_string(n)) continue;
    const WinogradTile tile = row ? WinogradTile{1, 1, m, n} : WinogradTile{m, n, m, n};
    const double time = cost(tile, height, width, C, OC);
    if (time < best) best = time, chosen = tile;
  }
  return chosen;
}

void use_winograd(InferContext& c, const Conv2dParams& p, const WinogradTile& tile,
                  bool transposed) {
  const int64_t summed = transposed ? p.OC : p.C;
  const int64_t height = transposed ? p.H : p.OH, width = transposed ? p.W : p.OW;
  c.units(p.outer * ceil_div(tile.tiles(height, width), kTilesOfUnit));
  // Points and sums of a unit's tiles, in vectors of at most all lanes.
  const int64_t vectors = tile.points() * (kTilesOfUnit * (summed + kWinogradChannels) + 2);
  c.scratch(static_cast<size_t>(vectors * kLanes) * sizeof(float));
  c.derive("winograd_pack", {c.in_id(1)},
           {{"tile", Dims{tile.my, tile.ny, tile.mx, tile.nx}}, {"transposed", transposed}});
}

namespace {

void infer_winograd_pack(InferContext& c) {
  const Dims w = c.in(0).shape, tile = c.dims("tile");
  auto& p = c.params<WinogradPackParams>();
  p.tile = {static_cast<int32_t>(tile[0]), static_cast<int32_t>(tile[1]),
            static_cast<int32_t>(tile[2]), static_cast<int32_t>(tile[3])};
  p.KH = w[0], p.KW = w[1], p.C = w[2], p.OC = w[3];
  p.transposed = c.flag("transposed", false);
  c.units(ceil_div(p.summed(), kLanes));
  const int64_t step = kWinogradChannels / 3;
  c.output(Storage::Single, {p.tile.points(), p.summed(), ceil_div(p.results(), step) * step});
}

}  // namespace

CONVNET_DEFINE_OP(winograd_pack, infer_winograd_pack, nullptr);

}  // namespace convnet::ops
