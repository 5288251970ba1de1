// Backward of a convolution under max pooling, visiting only the pixels that carry gradient. Per
// sample, channels in lanes: the accumulators (or weights) of a few kernel rows stay in registers
// while the list of one output channel is walked.
#include "ops/conv2d_sparse.h"

#include "cpu/kernels/rows.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kTaps = kRegisters >= 32 ? 25 : 10;  // of a pass

struct Entry {
  int32_t place;
  float gradient;
};

struct List {
  int32_t count;
  const Entry* entries;
};

CONVNET_INLINE List list_at(const SparseParams& p, const float* lists, int64_t outer, int64_t o,
                            int64_t sample) {
  const float* at = lists + ((outer * p.OC + o) * kLanes + sample) * p.list();
  int32_t count;
  std::memcpy(&count, at, sizeof count);
  return {count, reinterpret_cast<const Entry*>(at + 2)};
}

// Gradient of R kernel rows x K columns, one vector of channels, from one sample's list.
template <int R, int K>
__attribute__((noinline)) void weight_pass(const List& list, const float* image, int64_t line,
                                           int64_t pitch, float* dw) {
  Vec acc[R][K];
  CONVNET_EACH(y, R)
    CONVNET_EACH(x, K) acc[y][x] = load(dw + (y * K + x) * pitch);
  for (int32_t i = 0; i < list.count; ++i) {
    const float* at = image + list.entries[i].place;
    const Vec g = set1(list.entries[i].gradient);
    CONVNET_EACH(y, R)
      CONVNET_EACH(x, K) acc[y][x] = fma(g, load(at + y * line + x * pitch), acc[y][x]);
  }
  CONVNET_EACH(y, R)
    CONVNET_EACH(x, K) store(dw + (y * K + x) * pitch, acc[y][x]);
}

// Adds one sample's list, times the weights, to the gradient image.
template <int R, int K>
__attribute__((noinline)) void input_pass(const List& list, float* image, int64_t line,
                                          int64_t pitch, const float* w) {
  Vec weight[R][K];
  CONVNET_EACH(y, R)
    CONVNET_EACH(x, K) weight[y][x] = load(w + (y * K + x) * pitch);
  for (int32_t i = 0; i < list.count; ++i) {
    float* at = image + list.entries[i].place;
    const Vec g = set1(list.entries[i].gradient);
    CONVNET_EACH(y, R)
      CONVNET_EACH(x, K) {
        float* pixel = at + y * line + x * pitch;
        store(pixel, fma(g, weight[y][x], load(pixel)));
      }
  }
}

template <class Image, class Weight>
using PassFn = void (*)(const List&, Image*, int64_t, int64_t, Weight*);

#define CONVNET_ROWS(pass, K)                          \
  switch (rows) {                                      \
    case 1:                                            \
      return pass<1, K>;                               \
    case 2:                                            \
      if constexpr (2 * K <= kTaps) return pass<2, K>; \
      break;                                           \
    case 3:                                            \
      if constexpr (3 * K <= kTaps) return pass<3, K>; \
      break;                                           \
    case 4:                                            \
      if constexpr (4 * K <= kTaps) return pass<4, K>; \
      break;                                           \
    case 5:                                            \
      if constexpr (5 * K <= kTaps) return pass<5, K>; \
      break;                                           \
  }                                                    \
  break;
#define CONVNET_PASS(name, pass, Image, Weight)               \
  PassFn<Image, Weight> name(int64_t rows, int64_t columns) { \
    switch (columns) {                                        \
      case 1:                                                 \
        CONVNET_ROWS(pass, 1)                                 \
      case 2:                                                 \
        CONVNET_ROWS(pass, 2)                                 \
      case 3:                                                 \
        CONVNET_ROWS(pass, 3)                                 \
      case 4:                                                 \
        CONVNET_ROWS(pass, 4)                                 \
      case 5:                                                 \
        CONVNET_ROWS(pass, 5)                                 \
    }                                                         \
    return nullptr;                                           \
  }
CONVNET_PASS(weight_pass_of, weight_pass, const float, float)
CONVNET_PASS(input_pass_of, input_pass, float, const float)
#undef CONVNET_PASS
#undef CONVNET_ROWS

// Kernel rows of one pass, and calls of f(first row, rows).
template <class F>
CONVNET_INLINE void for_passes(const SparseParams& p, F f) {
  const int64_t rows = least(5, most(1, kTaps / p.KW));
  for (int64_t y = 0; y < p.KH; y += rows) f(y, least(rows, p.KH - y));
}

}  // namespace

void sparse_images(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t line = p.width() * p.pitch(), pitch = p.pitch();
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / p.height(), y = unit % p.height() - p.top;
    float* row = a.f32(1) + outer * kLanes * p.image() + (unit % p.height()) * line;
    for (int64_t l = 0; l < kLanes; ++l)
      for (int64_t i = 0; i < line; i += kWidth) store(row + l * p.image() + i, zero());
    if (y < 0 || y >= p.H) continue;
    const int64_t columns = least(p.W, p.width() - p.left);
    for (int64_t x = 0; x < columns; ++x) {
      const float* in = a.f32(0) + ((outer * p.H + y) * p.W + x) * p.C * kLanes;
      float* out = row + (x + p.left) * pitch;
      // The row is padded to whole vectors, with zeros.
      from_lanes(0, p.C, in, [&](int lane, int64_t c, int64_t, Vec values) {
        store(out + lane * p.image() + c, values);
      });
    }
  }
}

namespace {

// The lists of one output channel while they grow.
struct Growing {
  float* lists;
  int64_t size;
  int32_t count[kLanes];

  CONVNET_INLINE void add(int64_t sample, int64_t place, float gradient) {
    const Entry entry{static_cast<int32_t>(place), gradient};
    std::memcpy(lists + sample * size + 2 + 2 * count[sample], &entry, sizeof entry);
    ++count[sample];
  }
  void finish() const {
    for (int64_t l = 0; l < kLanes; ++l) std::memcpy(lists + l * size, &count[l], sizeof count[l]);
  }
};

// One bit a sample: its gradient is not zero.
CONVNET_INLINE uint32_t alive(const float* g) {
  uint32_t mask = 0;
  for (int v = 0; v < kVectors; ++v) mask |= bits(load(g + v * kWidth) != zero()) << (v * kWidth);
  return mask;
}

// f(sample) for each bit.
template <class F>
CONVNET_INLINE void each_sample(uint32_t mask, F f) {
  for (; mask; mask &= mask - 1) f(__builtin_ctz(mask));
}

// Gradients of the windows of a 2x2 max pool.
void list_winners(const KernelArgs& a, const SparseParams& p, int64_t unit, Growing& growing) {
  const uint16_t* winners = a.bits(1);
  const int64_t outer = unit / p.OC, o = unit % p.OC;
  for (int64_t i = 0; i < p.most(); ++i) {
    const int64_t at = (outer * p.most() + i) * p.OC + o;
    const float* g = a.f32(0) + at * kLanes;
    const uint32_t row = winners[at * 2], column = winners[at * 2 + 1];
    const int64_t y = i / p.PW * 2, x = i % p.PW * 2;
    each_sample(alive(g), [&](int l) {
      const int64_t pixel = (y + (row >> l & 1)) * p.width() + x + (column >> l & 1);
      growing.add(l, pixel * p.pitch(), g[l]);
    });
  }
}

// Gradients of all pixels, most of them zero.
void list_pixels(const KernelArgs& a, const SparseParams& p, int64_t unit, Growing& growing) {
  const int64_t outer = unit / p.OC, o = unit % p.OC;
  for (int64_t i = 0; i < p.most(); ++i) {
    const float* g = a.f32(0) + ((outer * p.most() + i) * p.OC + o) * kLanes;
    const int64_t pixel = i / p.OW * p.width() + i % p.OW;
    each_sample(alive(g), [&](int l) { growing.add(l, pixel * p.pitch(), g[l]); });
  }
}

}  // namespace

// Where a maximum is that of one pixel, the sum of the numbers of those that have it names it.
void sparse_extremes(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  for (int64_t o = a.begin; o < a.end; ++o) {
    const float *z = a.f32(0) + o * kLanes, *y = a.f32(1) + o * kLanes, *dy = a.f32(2) + o * kLanes;
    float numbers[kLanes], counts[kLanes], *totals = a.f32(4) + o * kLanes;
    uint32_t carrying = 0;
    for (int v = 0; v < kVectors; ++v) {
      const Vec best = load(y + v * kWidth), gradient = load(dy + v * kWidth);
      Vec number = zero(), count = zero();
      for (int64_t i = 0; i < p.most(); ++i) {
        const Mask chosen = load(z + i * p.OC * kLanes + v * kWidth) == best;
        number = number + keep(chosen, set1(static_cast<float>(i)));
        count = count + keep(chosen, set1(1.0f));
      }
      store(numbers + v * kWidth, number);
      store(counts + v * kWidth, count);
      const Vec total = select(best == best, gradient, best);
      const Vec passed = p.relu ? keep(best > zero(), total) : total;
      store(totals + v * kWidth, passed);
      carrying |= bits(passed != zero()) << (v * kWidth);
    }
    Growing growing{a.f32(3) + o * kLanes * p.list(), p.list(), {}};
    const auto add = [&](int l, int64_t i, float gradient) {
      growing.add(l, (i / p.OW * p.width() + i % p.OW) * p.pitch(), gradient);
    };
    each_sample(carrying, [&](int l) {
      if (counts[l] == 1) return add(l, static_cast<int64_t>(numbers[l]), totals[l]);
      const bool nan = y[l] != y[l];
      for (int64_t i = 0; i < p.most(); ++i)
        if (nan || z[i * p.OC * kLanes + l] == y[l]) add(l, i, totals[l] / counts[l]);
    });
    growing.finish();
  }
}

void sparse_lists(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    Growing growing{a.f32(2) + unit * kLanes * p.list(), p.list(), {}};
    if (p.PH)
      list_winners(a, p, unit, growing);
    else
      list_pixels(a, p, unit, growing);
    growing.finish();
  }
}

void sparse_weight(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t size = p.KH * p.KW * p.pitch(), live = a.live(a.shard());
  float* dw = a.f32(2);
  if (!a.accumulate)
    for (int64_t i = a.begin * size; i < a.end * size; i += kWidth) store(dw + i, zero());
  for (int64_t outer = 0; outer < p.outer; ++outer)
    for (int64_t l = 0; l < live; ++l) {
      const float* image = a.f32(0) + (outer * kLanes + l) * p.image();
      for (int64_t o = a.begin; o < a.end; ++o) {
        const List list = list_at(p, a.f32(1), outer, o, l);
        for_passes(p, [&](int64_t y, int64_t rows) {
          const auto pass = weight_pass_of(rows, p.KW);
          for (int64_t c = 0; c < p.C; c += kWidth)
            pass(list, image + y * p.width() * p.pitch() + c, p.width() * p.pitch(), p.pitch(),
                 dw + o * size + y * p.KW * p.pitch() + c);
        });
      }
    }
}

void sparse_input(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t size = p.KH * p.KW * p.pitch(), live = a.live(a.shard());
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / kLanes, l = unit % kLanes;
    float* image = a.f32(2) + unit * p.image();
    for (int64_t i = 0; i < p.image(); i += kWidth) store(image + i, zero());
    if (l >= live) continue;
    for (int64_t o = 0; o < p.OC; ++o) {
      const List list = list_at(p, a.f32(0), outer, o, l);
      for_passes(p, [&](int64_t y, int64_t rows) {
        const auto pass = input_pass_of(rows, p.KW);
        for (int64_t c = 0; c < p.C; c += kWidth)
          pass(list, image + y * p.width() * p.pitch() + c, p.width() * p.pitch(), p.pitch(),
               a.f32(1) + o * size + y * p.KW * p.pitch() + c);
      });
    }
  }
}

void sparse_lanes(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t pitch = p.pitch(), reach = least(p.W, p.width() - p.left);
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / p.H, y = unit % p.H + p.top;
    const float* row = a.f32(0) + outer * kLanes * p.image() + y * p.width() * pitch;
    float* out = a.f32(2) + unit * p.W * p.C * kLanes;
    for (int64_t x = 0; x < p.W; ++x) {
      const bool reached = x < reach && y < p.height();
      to_lanes(
          0, p.C,
          [&](int lane, int64_t c, int64_t) {
            return reached ? load(row + lane * p.image() + (x + p.left) * pitch + c) : zero();
          },
          out + x * p.C * kLanes);
    }
  }
}

void sparse_pack(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t taps = p.KH * p.KW;
  for (int64_t o = a.begin; o < a.end; ++o)
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t c = 0; c < p.pitch(); ++c)
        a.f32(1)[(o * taps + t) * p.pitch() + c] =
            c < p.C ? a.f32(0)[(t * p.C + c) * p.OC + o] : 0.0f;
}

void sparse_unpack(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t taps = p.KH * p.KW;
  for (int64_t o = a.begin; o < a.end; ++o)
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t c = 0; c < p.C; ++c)
        a.f32(1)[(t * p.C + c) * p.OC + o] = a.f32(0)[(o * taps + t) * p.pitch() + c];
}

}  // namespace convnet::CONVNET_ISA
