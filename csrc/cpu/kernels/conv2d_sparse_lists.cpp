// The pixels that carry gradient under max pooling, for each output channel and sample: squares of
// pixels and samples are transposed, and those that are alive written one after another. Of a
// maximum over all pixels they are found without a gradient for each pixel.
#include "ops/conv2d_sparse.h"

#include "cpu/kernels/index.h"
#include "cpu/simd/compress.h"
#include "cpu/simd/transpose.h"

namespace convnet::CONVNET_ISA {

namespace {

// Where a pixel lies in an image.
CONVNET_INLINE int32_t place_of(const SparseParams& p, int64_t pixel) {
  return static_cast<int32_t>(pixel * p.pitch());
}

// The integer's bits, in all lanes.
CONVNET_INLINE Vec place(const SparseParams& p, int64_t pixel) {
  const int32_t at = place_of(p, pixel);
  float bits;
  std::memcpy(&bits, &at, sizeof bits);
  return set1(bits);
}

// Places that window `i` of output channel `o` hands its gradients to, from lane `lane` on.
CONVNET_INLINE Vec places(const SparseParams& p, const uint16_t* winners, int64_t at, int64_t i,
                          int64_t lane) {
  if (!winners) return place(p, i / p.OW * p.width() + i % p.OW);
  const int64_t pixel = i / p.PW * 2 * p.width() + i % p.PW * 2;
  const Mask row = mask_of(winners[at * 2] >> lane), column = mask_of(winners[at * 2 + 1] >> lane);
  return select(row, select(column, place(p, pixel + p.width() + 1), place(p, pixel + p.width())),
                select(column, place(p, pixel + 1), place(p, pixel)));
}

void finish(const SparseParams& p, float* lists, const int32_t (&count)[kLanes]) {
  for (int64_t l = 0; l < kLanes; ++l) std::memcpy(lists + l * p.list(), &count[l], sizeof *count);
}

}  // namespace

void sparse_lists(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const uint16_t* winners = p.PH ? a.bits(1) : nullptr;
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / p.OC, o = unit % p.OC;
    float* lists = a.f32(2) + unit * kLanes * p.list();
    int32_t count[kLanes] = {};
    for (int64_t first = 0; first < p.most(); first += kWidth)
      for (int64_t lane = 0; lane < kLanes; lane += kWidth) {
        Vec gradient[kWidth], place[kWidth];
        for (int64_t k = 0; k < kWidth; ++k) {
          const int64_t i = first + k, at = (outer * p.most() + i) * p.OC + o;
          const bool there = i < p.most();
          gradient[k] = there ? load(a.f32(0) + at * kLanes + lane) : zero();
          place[k] = there ? places(p, winners, at, i, lane) : zero();
        }
        transpose(gradient);
        transpose(place);
        for (int64_t k = 0; k < kWidth; ++k) {
          float* to = lists + (lane + k) * p.list() + 16 + count[lane + k];
          const Mask alive = gradient[k] != zero();
          store_set(to, alive, place[k]);
          count[lane + k] += store_set(to + p.list_part(), alive, gradient[k]);
        }
      }
    finish(p, lists, count);
  }
}

// Where a maximum is that of one pixel, the sum of the numbers of those that have it names it.
void sparse_extremes(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  for (int64_t o = a.begin; o < a.end; ++o) {
    const float *z = a.f32(0) + o * kLanes, *y = a.f32(1) + o * kLanes, *dy = a.f32(2) + o * kLanes;
    float numbers[kLanes], sharers[kLanes], *totals = a.f32(4) + o * kLanes;
    uint32_t carrying = 0;
    for (int v = 0; v < kVectors; ++v) {
      const Vec best = load(y + v * kWidth), gradient = load(dy + v * kWidth);
      Vec number = zero(), sharer = zero();
      for (int64_t i = 0; i < p.most(); ++i) {
        const Mask chosen = load(z + i * p.OC * kLanes + v * kWidth) == best;
        number = number + keep(chosen, set1(static_cast<float>(i)));
        sharer = sharer + keep(chosen, set1(1.0f));
      }
      store(numbers + v * kWidth, number);
      store(sharers + v * kWidth, sharer);
      const Vec total = select(best == best, gradient, best);
      const Vec passed = p.relu_after ? keep(best > zero(), total) : total;
      store(totals + v * kWidth, passed);
      carrying |= bits(passed != zero()) << (v * kWidth);
    }
    float* lists = a.f32(3) + o * kLanes * p.list();
    int32_t count[kLanes] = {};
    const auto add = [&](int l, int64_t i, float gradient) {
      float* to = lists + l * p.list() + 16 + count[l]++;
      const int32_t at = place_of(p, i / p.OW * p.width() + i % p.OW);
      std::memcpy(to, &at, sizeof at);
      to[p.list_part()] = gradient;
    };
    for (; carrying; carrying &= carrying - 1) {
      const int l = __builtin_ctz(carrying);
      if (sharers[l] == 1) {
        add(l, static_cast<int64_t>(numbers[l]), totals[l]);
        continue;
      }
      const bool nan = y[l] != y[l];
      for (int64_t i = 0; i < p.most(); ++i)
        if (nan || z[i * p.OC * kLanes + l] == y[l]) add(l, i, totals[l] / sharers[l]);
    }
    finish(p, lists, count);
  }
}

}  // namespace convnet::CONVNET_ISA
