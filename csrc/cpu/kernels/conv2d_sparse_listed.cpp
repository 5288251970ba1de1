// Backward of a convolution of which only the largest pixel of each channel counts. Those of all
// samples are listed for one output channel after another. Of each, the gradient of the weights is
// as many rows of an image as the kernel has, that of the input as many rows of the kernel: pixels
// that lie side by side, channels in lanes, are one row of numbers.
#include <cstring>

#include "cpu/kernels/sparse_samples.h"

namespace convnet::CONVNET_ISA {

namespace {

const Extremes& extremes_at(const SparseParams& p, const float* lists, int64_t o) {
  return *reinterpret_cast<const Extremes*>(lists + o * Extremes::floats(p.most()));
}

constexpr int kAtOnce = 4;      // vectors
constexpr int64_t kAhead = 12;  // pixels

// Of the samples in N vectors, output channels following each other: the numbers of the pixels that
// are the largest, added up, and how many they are.
template <int N>
__attribute__((noinline)) void find(const SparseParams& p, const float* z, const float* y,
                                    float* numbers, float* sharers) {
  Vec best[N], number[N], sharer[N];
  CONVNET_EACH(v, N) best[v] = load(y + v * kWidth), number[v] = sharer[v] = zero();
  const int64_t pixels = p.most(), step = p.OC * kLanes;
  for (int64_t i = 0; i < pixels; ++i, z += step) {
    const Vec place = set1(static_cast<float>(i));
    CONVNET_EACH(v, N) {
      prefetch(z + kAhead * step + v * kWidth);
      const Mask chosen = load(z + v * kWidth) == best[v];
      number[v] = number[v] + keep(chosen, place);
      sharer[v] = sharer[v] + keep(chosen, set1(1.0f));
    }
  }
  CONVNET_EACH(v, N) store(numbers + v * kWidth, number[v]), store(sharers + v * kWidth, sharer[v]);
}

// The largest pixels of output channel `o` in 16 samples, of which there are `sharers` each. Where
// it is one, the sum of the numbers of those that are the largest names it.
void list_channel(const KernelArgs& a, const SparseParams& p, int64_t o, const float* numbers,
                  const float* sharers) {
  const float *z = a.f32(0) + o * kLanes, *y = a.f32(1) + o * kLanes, *dy = a.f32(2) + o * kLanes;
  float* totals = a.f32(4) + o * kLanes;
  uint32_t carrying = 0;
  for (int64_t v = 0; v < kLanes; v += kWidth) {
    const Vec best = load(y + v), total = select(best == best, load(dy + v), best);
    const Vec passed = p.relu_after ? keep(best > zero(), total) : total;
    store(totals + v, passed);
    carrying |= bits(passed != zero()) << v;
  }
  auto& list = *reinterpret_cast<Extremes*>(a.f32(3) + o * Extremes::floats(p.most()));
  int32_t count = 0;
  const auto add = [&](int64_t l, int64_t i, float gradient) {
    const int64_t y = p.OH == 1 ? 0 : i / p.OW;
    const int64_t pixel = (l * p.height() + y) * p.width() + i - y * p.OW;
    list.pixels[count++] = {static_cast<int32_t>(pixel), gradient};
  };
  for (int64_t l = 0; l < kLanes; ++l) {
    if (carrying >> l & 1) {
      if (sharers[l] == 1) {
        add(l, static_cast<int64_t>(numbers[l]), totals[l]);
      } else {
        const bool nan = y[l] != y[l];
        for (int64_t i = 0; i < p.most(); ++i)
          if (nan || z[i * p.OC * kLanes + l] == y[l]) add(l, i, totals[l] / sharers[l]);
      }
    }
    list.ends[l] = count;
  }
}

// N vectors of dw += image rows of listed pixels, times their gradients.
template <int N>
CONVNET_INLINE void add_rows(const Extreme* pixel, const Extreme* end, const float* image,
                             int64_t pitch, float* dw, bool accumulate) {
  Vec sum[N];
  CONVNET_EACH(v, N) sum[v] = accumulate ? load(dw + v * kWidth) : zero();
  for (; pixel < end; ++pixel) {
    const float* row = image + pixel->pixel * pitch;
    const Vec g = set1(pixel->gradient);
    CONVNET_EACH(v, N) sum[v] = fma(g, load(row + v * kWidth), sum[v]);
  }
  CONVNET_EACH(v, N) store(dw + v * kWidth, sum[v]);
}

constexpr int kSums = 8;  // vectors of dw in registers

}  // namespace

void sparse_extremes(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  for (int64_t o = a.begin; o < a.end; o += kAtOnce) {
    float numbers[kAtOnce * kLanes], sharers[kAtOnce * kLanes];
    const int64_t count = least(kAtOnce, a.end - o), first = o * kLanes;
    for (int64_t i = 0; i < count * kLanes;) {
      const float *z = a.f32(0) + first + i, *y = a.f32(1) + first + i;
      const bool several = i + kAtOnce * kWidth <= count * kLanes;
      (several ? find<kAtOnce> : find<1>)(p, z, y, numbers + i, sharers + i);
      i += several ? kAtOnce * kWidth : kWidth;
    }
    for (int64_t i = 0; i < count; ++i)
      list_channel(a, p, o + i, numbers + i * kLanes, sharers + i * kLanes);
  }
}

void sparse_listed_weight(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t row = p.row(), pitch = p.pitch(), live = a.live(a.shard());
  float* dw = a.f32(2) + a.begin * p.KH * row;
  for (int64_t o = a.begin; o < a.end; ++o) {
    const Extremes& list = extremes_at(p, a.f32(1), o);
    const Extreme* end = list.pixels + list.end(live - 1);
    const float* image = a.f32(0);
    for (int64_t y = 0; y < p.KH; ++y, dw += row, image += p.width() * pitch) {
      int64_t i = 0;
      for (; i + kSums * kWidth <= row; i += kSums * kWidth)
        add_rows<kSums>(list.pixels, end, image + i, pitch, dw + i, a.accumulate);
      for (; i < row; i += kWidth)
        add_rows<1>(list.pixels, end, image + i, pitch, dw + i, a.accumulate);
    }
  }
}

void sparse_listed_input(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t pitch = p.pitch(), line = p.width() * pitch, row = p.row(), rows = p.KH;
  const int64_t channels = p.OC, size = p.image(), list_size = Extremes::floats(p.most());
  const float *before = a.f32(2), *lists = a.f32(0), *weights = a.f32(1);
  float* images = a.f32(3);
  for_samples(a, [&](int64_t, int64_t begin, int64_t end, bool live) {
    for (int64_t l = begin; l < end; ++l) {
      for (int64_t i = l * size; i < (l + 1) * size; i += kWidth)
        store(images + i, before ? load(before + i) : zero());
      for (int64_t o = 0; live && o < channels; ++o) {
        const Extremes& list = *reinterpret_cast<const Extremes*>(lists + o * list_size);
        const Extreme* last = list.pixels + list.end(l);
        for (const Extreme* pixel = list.pixels + list.begin(l); pixel < last; ++pixel) {
          const float* w = weights + o * rows * row;
          float* image = images + pixel->pixel * pitch;
          const Vec g = set1(pixel->gradient);
          for (int64_t y = 0; y < rows; ++y, w += row, image += line)
            for (int64_t j = 0; j < row; j += kWidth)
              store(image + j, fma(g, load(w + j), load(image + j)));
        }
      }
    }
  });
}

}  // namespace convnet::CONVNET_ISA
