#include "cuda/gemm.h"

#include <cmath>
#include <vector>

#include "cuda/wgmma_check.h"

namespace convnet::cuda {

namespace {

// An H100 in clock cycles; other GPUs have much the same proportions.
constexpr double kProcessors = 132, kLatency = 900, kStart = 2000, kLaunch = 4000;
constexpr double kBytesAClock = 1500;  // of memory
constexpr double kClocksASlice = 20;   // of adding them
constexpr int64_t kLeastSlice = 64, kMostSlices = 128;
constexpr int64_t kMostBlocksOfSlices = 528;

constexpr int64_t kMostSums = kMostBlocksOfSlices * 128 * 128;  // of slices

// The first tile of each precision, and one behind the last.
constexpr int kFirst[] = {0, 5, 10, 13};
// Multiply-adds a clock of a processor, all of them busy.
constexpr double kRate[] = {108, 90, 90, 64, 56, 400, 220, 280, 600, 440, 520, 290, 360};

template <class Sums>
double clocks(double rate, const Shape& s, int64_t slices) {
  const double tiles = static_cast<double>(div_up(s.M, Sums::kM) * div_up(s.N, Sums::kN));
  const double turns = std::ceil(tiles * static_cast<double>(s.products * slices) / kProcessors);
  const double rounds = std::ceil(turns / kResident<Sums>);
  const double depth = static_cast<double>(div_up(div_up(s.K, slices), kDepth));
  const double busy = turns * depth * (kDepth * Sums::kM * Sums::kN) / rate;
  const double waiting = rounds * depth * kLatency / (Sums::kStages - 1);
  const double bytes = static_cast<double>(s.M * s.N * s.products * slices) * 8;
  const double adding =
      slices == 1 ? 0
                  : kLaunch + kClocksASlice * static_cast<double>(slices) + bytes / kBytesAClock;
  return std::max(busy, waiting) + rounds * kStart + adding;
}

__global__ void add(const float* slices, float* out, int64_t n, int count) {
  each_sum(slices, n, count, [&](int64_t i, float sum) { out[i] = sum; });
}

// go(rows, columns) of a tile.
template <class Go>
bool of_size(int tile, Go go) {
  bool result = false;
  with_tile(tile, [&](auto sums) {
    using Sums = typename decltype(sums)::type;
    result = go(Sums::kM, Sums::kN);
  });
  return result;
}

// The tiles that compute in the wanted precision on the device in use.
std::vector<int> tiles_for(const Products& products, Tiles has) {
  std::vector<int> tiles;
  const int* first = kFirst + static_cast<int>(products.precision);
  for (int tile = first[0]; tile < first[1]; ++tile)
    if (of_size(tile, [&](int rows, int columns) { return has_tile(has, rows, columns); }) &&
        (!by_wgmma(tile) || wgmma_works()))
      tiles.push_back(tile);
  return tiles;
}

bool is_forced(int tile, const Products& products) {
  return of_size(tile, [&](int rows, int columns) {
    return rows == products.rows && columns == products.columns;
  });
}

}  // namespace

Plan plan_of(const Shape& shape, const Products& products, Tiles has) {
  const std::vector<int> tiles = tiles_for(products, has);
  const bool forced =
      std::any_of(tiles.begin(), tiles.end(), [&](int tile) { return is_forced(tile, products); });
  double least = INFINITY;
  Plan best{};
  for (const int tile : tiles) {
    if (forced && !is_forced(tile, products)) continue;
    with_tile(tile, [&](auto sums) {
      using Sums = typename decltype(sums)::type;
      const int64_t blocks = div_up(shape.M, Sums::kM) * div_up(shape.N, Sums::kN) * shape.products;
      const int64_t size = std::max<int64_t>(shape.M * shape.N * shape.products, 1);
      const int64_t most =
          std::min({kMostSlices, shape.K / kLeastSlice,
                    kMostBlocksOfSlices / std::max<int64_t>(blocks, 1), kMostSums / size});
      for (int64_t slices = 1; slices <= std::max<int64_t>(most, 1); ++slices) {
        const double cost = clocks<Sums>(kRate[tile], shape, slices);
        if (cost >= least) continue;
        const int64_t length = div_up(div_up(shape.K, slices), kDepth) * kDepth;
        least = cost;
        best = {tile, {static_cast<int>(slices), static_cast<int>(length)}};
      }
    });
  }
  return best;
}

size_t gemm_scratch(const Shape& shape) {
  const int64_t slices = std::min(kMostSlices, shape.K / kLeastSlice);
  if (slices < 2) return 0;
  return static_cast<size_t>(std::min(slices * shape.M * shape.N * shape.products, kMostSums)) *
         sizeof(float);
}

void add_slices(Stream stream, const float* slices, float* out, int64_t n, int count) {
  launch(add, blocks_of_sums(n), kThreads, stream, slices, out, n, count);
}

}  // namespace convnet::cuda
