// Gradient of a convolution under max pooling for its input, visiting only the pixels that carry
// gradient. Per sample, with channels in lanes: what the output channels hand to one pixel of the
// result is summed in registers for all the pixels of the input under the kernel, a few rows at a
// time, so that their weights stay in a cache.
#include "ops/conv2d_sparse.h"

#include "cpu/kernels/rows.h"
#include "cpu/kernels/sparse_samples.h"
#include "cpu/kernels/tail.h"
#include "cpu/kernels/window_columns.h"
#include "cpu/simd/compress.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kSums = kRegisters >= 32 ? 30 : 13;  // in registers
// Floats of weights that are used together. Of a window enough channels are alive for weights in
// the first-level cache to pay, with room for others in 32 KB; single pixels need more channels.
constexpr int64_t kWindowWeights = 6656, kPixelWeights = 16000;

// Output channels [first, first + count) and kernel rows [y, y + rows), whose weights lie together:
// [C / kWidth][count][rows][KW][kWidth].
struct Slice {
  int64_t first, count, y, rows;
};

// Calls f(first channel, channels) for each block of them.
template <class F>
CONVNET_INLINE void for_blocks(const SparseParams& p, F f) {
  const int64_t blocks = div_up(p.OC, p.listed_channels());
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t first = cut(p.OC, blocks, b);
    f(first, cut(p.OC, blocks, b + 1) - first);
  }
}

// Calls f(slice, its weights).
template <class F>
CONVNET_INLINE void for_slices(const SparseParams& p, int64_t first, int64_t count, float* w, F f) {
  const int64_t near = (p.PH ? kWindowWeights : kPixelWeights) / (count * p.KW * kWidth),
                size = p.KW * p.pitch();
  const int64_t held = p.PH ? kSums / (p.KW + 1) - 1 : kSums / p.KW;
  const int64_t step = most(1, least(least(near, held), 5));
  for (int64_t y = 0; y < p.KH; y += step)
    f(Slice{first, count, y, least(step, p.KH - y)}, w + (first * p.KH + count * y) * size);
}

// Lists of windows in scratch.
struct Listed {
  float* at;
  int64_t most;  // channels

  Listed(const SparseParams& p, void* scratch, int64_t window, int64_t sample)
      : at(static_cast<float*>(scratch) + (sample * kListedWindows + window) * p.window_list()),
        most(p.listed_channels()) {}
  int32_t* counts() const { return reinterpret_cast<int32_t*>(at); }
  float* gradients() const { return at + 16; }
  float* channels() const { return gradients() + most; }
};

// Lists what is alive of one window, of samples [begin, end): in the order of its pixels, then of
// channels.
void list_window(const SparseParams& p, const float* g, const uint16_t* winners, int64_t count,
                 int64_t window, int64_t begin, int64_t end, void* scratch) {
  // Of each gradient: the pixel it goes to, counted from one; zero where it is zero.
  float pixels[kPixelChannels * kLanes];
  for (int64_t o = 0; o < count; ++o)
    for (int64_t v = 0; v < kLanes; v += kWidth) {
      Vec pixel = set1(1);
      if (winners) {
        const Mask row = mask_of(winners[o * 2] >> v), column = mask_of(winners[o * 2 + 1] >> v);
        pixel = select(row, select(column, set1(4), set1(3)), select(column, set1(2), set1(1)));
      }
      store(pixels + o * kLanes + v, keep(load(g + o * kLanes + v) != zero(), pixel));
    }
  float pixel[kLanes][kPixelChannels];
  from_lanes(0, count, pixels,
             [&](int64_t l, int64_t o, int64_t, Vec values) { store(pixel[l] + o, values); });
  from_lanes(0, count, g, [&](int64_t l, int64_t o, int64_t, Vec values) {
    store(Listed(p, scratch, window, l).gradients() + o, values);
  });
  float numbers[kPixelChannels];
  for (int32_t o = 0; o < kPixelChannels; ++o) std::memcpy(numbers + o, &o, sizeof o);
  for (int64_t l = begin; l < end; ++l) {
    const Listed list(p, scratch, window, l);
    int32_t n = 0;
    for (int pos = 0; pos < (winners ? 4 : 1); ++pos) {
      const int32_t before = n;
      for (int64_t o = 0; o < count; o += kWidth) {
        const Mask here = load(pixel[l] + o) == set1(static_cast<float>(pos + 1));
        n += store_set(list.channels() + n, here, load(numbers + o));
      }
      list.counts()[pos] = n - before;
    }
  }
}

// Adds the lists of a window of S x S pixels, times weights [channel][R][K], to the pixels of the
// gradient image that they reach.
template <int S, int R, int K>
__attribute__((noinline)) void add_window(const Listed& list, const float* w, float* image,
                                          int64_t line, int64_t pitch) {
  Vec sum[R + S - 1][K + S - 1];
  CONVNET_EACH(y, R + S - 1)
    CONVNET_EACH(x, K + S - 1) sum[y][x] = load(image + y * line + x * pitch);
  const auto* channel = reinterpret_cast<const int32_t*>(list.channels());
  CONVNET_EACH(pixel, S * S) {
    for (const int32_t* end = channel + list.counts()[pixel]; channel < end; ++channel) {
      const float* at = w + *channel * (R * K * kWidth);
      const Vec g = set1(list.gradients()[*channel]);
      CONVNET_EACH(y, R)
        CONVNET_EACH(x, K) {
          Vec& to = sum[y + pixel / S][x + pixel % S];
          to = fma(g, load(at + (y * K + x) * kWidth), to);
        }
    }
  }
  CONVNET_EACH(y, R + S - 1)
    CONVNET_EACH(x, K + S - 1) store(image + y * line + x * pitch, sum[y][x]);
}

template <int S>
using Add = void (*)(const Listed&, const float*, float*, int64_t, int64_t);

template <int S, int R, int K>
constexpr bool kFits = (R + S - 1) * (K + S - 1) <= kSums;

template <int S>
Add<S> add_of(int64_t rows, int64_t columns) {
  return with_columns(columns, [rows](auto of) -> Add<S> {
    constexpr int K = of();
    if constexpr (kFits<S, 5, K>)
      if (rows == 5) return add_window<S, 5, K>;
    if constexpr (kFits<S, 4, K>)
      if (rows == 4) return add_window<S, 4, K>;
    if constexpr (kFits<S, 3, K>)
      if (rows == 3) return add_window<S, 3, K>;
    if constexpr (kFits<S, 2, K>)
      if (rows == 2) return add_window<S, 2, K>;
    return add_window<S, 1, K>;
  });
}

}  // namespace

void sparse_input(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  const int64_t line = p.width() * p.pitch(), size_of_image = p.image();
  const int64_t size = p.PH ? 2 : 1, columns = p.PH ? p.PW : p.OW;  // of and in a row of windows
  for_samples(a, [&](int64_t outer, int64_t begin, int64_t end, bool live) {
    float* images = a.f32(3) + outer * kLanes * size_of_image;
    for (int64_t i = begin * size_of_image; i < end * size_of_image; i += kWidth)
      store(images + i, zero());
    if (!live) return;
    for (int64_t window = 0; window < p.most(); window += kListedWindows) {
      const int64_t windows = least(kListedWindows, p.most() - window);
      for_blocks(p, [&](int64_t first, int64_t count) {
        for (int64_t j = 0; j < windows; ++j) {
          const int64_t at = (outer * p.most() + window + j) * p.OC + first;
          list_window(p, a.f32(0) + at * kLanes, p.PH ? a.bits(1) + at * 2 : nullptr, count, j,
                      begin, end, a.scratch);
        }
        for_slices(p, first, count, a.f32(2), [&](const Slice& slice, const float* w) {
          const auto add = p.PH ? add_of<2>(slice.rows, p.KW) : add_of<1>(slice.rows, p.KW);
          for (int64_t c = 0; c < p.C; c += kWidth)
            for (int64_t l = begin; l < end; ++l)
              for (int64_t j = 0; j < windows; ++j) {
                const int64_t y = (window + j) / columns * size + slice.y,
                              x = (window + j) % columns * size;
                add(Listed(p, a.scratch, j, l), w + c * count * slice.rows * p.KW,
                    images + l * size_of_image + y * line + x * p.pitch() + c, line, p.pitch());
              }
        });
      });
    }
  });
}

void sparse_pack(const KernelArgs& a) {
  const auto& p = a.as<SparseParams>();
  for_blocks(p, [&](int64_t first, int64_t count) {
    for_slices(p, first, count, a.f32(1), [&](const Slice& slice, float* w) {
      const int64_t taps = slice.rows * p.KW, end = least(first + count, a.end);
      for (int64_t o = most(first, a.begin); o < end; o += kWidth) {
        const int64_t n = least(kWidth, end - o);
        for (int64_t t = 0; t < taps; ++t)
          for (int64_t c = 0; c < p.pitch(); c += kWidth) {
            const float* in = a.f32(0) + ((slice.y * p.KW + t) * p.C + c) * p.OC + o;
            Vec square[kWidth];
            CONVNET_EACH(i, kWidth) square[i] = c + i < p.C ? load_some(in + i * p.OC, n) : zero();
            transpose(square);
            float* out = w + ((c / kWidth * count + o - first) * taps + t) * kWidth;
            for (int64_t i = 0; i < n; ++i) store(out + i * taps * kWidth, square[i]);
          }
      }
    });
  });
}

}  // namespace convnet::CONVNET_ISA
