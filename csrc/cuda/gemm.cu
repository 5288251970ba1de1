#include "cuda/gemm.h"

#include <cmath>

namespace convnet::cuda {

namespace {

// An H100 in clock cycles; other GPUs have much the same proportions.
constexpr double kProcessors = 132, kLatency = 900, kStart = 2000, kLaunch = 4000;
constexpr double kBytesAClock = 1500;  // of memory
constexpr double kClocksASlice = 20;   // of adding them
constexpr int64_t kLeastSlice = 64, kMostSlices = 128;
constexpr int64_t kMostBlocksOfSlices = 528;

// The first tile of each precision, and one behind the last.
constexpr int kFirst[] = {0, 5, 8, 11};
// Multiply-adds a clock of a processor, all of them busy.
constexpr double kRate[] = {108, 90, 90, 64, 56, 400, 220, 280, 520, 290, 360};

template <class Sums>
double clocks(double rate, const Shape& s, int64_t slices) {
  const double tiles = static_cast<double>(div_up(s.M, Sums::kM) * div_up(s.N, Sums::kN));
  const double turns = std::ceil(tiles * static_cast<double>(s.products * slices) / kProcessors);
  const double rounds = std::ceil(turns * Sums::kThreads / 512);
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

bool is_forced(int tile, const Products& products) {
  bool same = false;
  with_tile(tile, [&](auto sums) {
    using Sums = typename decltype(sums)::type;
    same = Sums::kM == products.rows && Sums::kN == products.columns;
  });
  return same;
}

}  // namespace

Plan plan_of(const Shape& shape, const Products& products) {
  const int first = kFirst[static_cast<int>(products.precision)];
  const int last = kFirst[static_cast<int>(products.precision) + 1];
  bool forced = false;
  for (int tile = first; tile < last; ++tile) forced = forced || is_forced(tile, products);
  double least = INFINITY;
  Plan best{};
  for (int tile = first; tile < last; ++tile) {
    if (forced && !is_forced(tile, products)) continue;
    with_tile(tile, [&](auto sums) {
      using Sums = typename decltype(sums)::type;
      const int64_t blocks = div_up(shape.M, Sums::kM) * div_up(shape.N, Sums::kN) * shape.products;
      const int64_t most = std::min(
          {kMostSlices, shape.K / kLeastSlice, kMostBlocksOfSlices / std::max<int64_t>(blocks, 1)});
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
  const int64_t most = kMostBlocksOfSlices * 128 * 128;
  return static_cast<size_t>(std::min(slices * shape.M * shape.N * shape.products, most)) *
         sizeof(float);
}

void add_slices(Stream stream, const float* slices, float* out, int64_t n, int count) {
  launch(add, blocks_of_sums(n), kThreads, stream, slices, out, n, count);
}

}  // namespace convnet::cuda
