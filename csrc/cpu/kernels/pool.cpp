// Pooling. The channels of a place lie side by side, `C * lanes` floats: a window is reduced vector
// by vector, whatever its size. Backward, each place of the input collects from the windows that
// cover it, in row-major order: nothing is scattered, and rows of the input are independent of each
// other.
#include "ops/pool.h"

#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

// Part of an axis: [begin, end).
struct Span {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// Taps of window `o` that lie within an axis of n places.
CONVNET_INLINE Span taps_inside(int64_t o, int64_t stride, int64_t before, int64_t taps,
                                int64_t n) {
  const int64_t first = o * stride - before;
  return {most(0, -first), least(taps, n - first)};
}

// Windows that cover place i.
CONVNET_INLINE Span windows_over(int64_t i, int64_t stride, int64_t before, int64_t taps,
                                 int64_t windows) {
  const int64_t at = i + before;
  return {at < taps ? 0 : (at - taps) / stride + 1, least(at / stride + 1, windows)};
}

// A window that lies in `x` at its first tap inside; distances in floats.
struct Window {
  const float* x;
  int64_t row, column;  // from tap to tap
  Span ky, kx;
};

// body(window, place of the result) for the rows of the result at hand.
template <class Body>
CONVNET_INLINE void each_window(const KernelArgs& a, Body body) {
  const auto& p = a.as<PoolParams>();
  const int64_t column = p.C * a.lanes, row = p.W * column;
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t outer = unit / p.OH, oy = unit % p.OH;
    const Span ky = taps_inside(oy, p.sy, p.top, p.KH, p.H);
    const float* image = a.f32(0) + (outer * p.H + oy * p.sy - p.top + ky.begin) * row;
    for (int64_t ox = 0; ox < p.OW; ++ox) {
      const Span kx = taps_inside(ox, p.sx, p.left, p.KW, p.W);
      body(Window{image + (ox * p.sx - p.left + kx.begin) * column, row, column, ky, kx},
           unit * p.OW + ox);
    }
  }
}

// Where max pooling leaves its results: n floats, and for each tap C masks of 16 samples (or none).
struct MaxResult {
  float* y;
  uint16_t* winners;
  int64_t n, C;

  // Bits of the samples of vector `i` in the mask of its feature.
  CONVNET_INLINE void put(int64_t tap, int64_t i, uint32_t lanes) const {
    uint16_t& mask = winners[tap * C + i / kLanes];
    const int64_t shift = i % kLanes;
    mask = static_cast<uint16_t>(shift ? mask | lanes << shift : lanes);
  }
};

// body(i, floats at hand) for the vectors of a place, n floats.
template <class Body>
CONVNET_INLINE void each_vector(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) body(i, int64_t{kWidth});
  if (i < n) body(i, n - i);
}

// The largest element so far, the first of equal ones; not a number once there was one that is not.
struct Largest {
  Vec best;
  Mask broken;

  Largest() = default;
  CONVNET_INLINE explicit Largest(Vec x) : best(x), broken(x != x) {}
  // Where x takes over.
  CONVNET_INLINE Mask add(Vec x) {
    const Mask won = x > best;
    best = max(x, best);
    broken = broken | (x != x);
    return won;
  }
  CONVNET_INLINE Vec result() const { return select(broken, set1(__builtin_nanf("")), best); }
};

// A whole window, its size known to the compiler.
template <int KH, int KW>
void max_of_window(const Window& w, const MaxResult& out) {
  each_vector(out.n, [&](int64_t i, int64_t left) {
    Mask won[KH * KW];
    Largest largest(load_some(w.x + i, left));
    won[0] = mask_of(~0u);
    CONVNET_UNROLL(9)
    for (int t = 1; t < KH * KW; ++t)
      won[t] = largest.add(load_some(w.x + t / KW * w.row + t % KW * w.column + i, left));
    store_some(out.y + i, left, largest.result());
    if (!out.winners) return;
    Mask open = mask_of(~0u);
    CONVNET_UNROLL(9)
    for (int t = KH * KW - 1; t >= 0; --t) {
      out.put(t, i, bits(won[t] & open));
      open = open & ~won[t];
    }
  });
}

// Vectors that go through a large window together: its taps may lie pages apart, and single vectors
// of them would be waited for one by one. Of small windows the sums stay in registers.
constexpr int64_t kTogether = 16;
constexpr int64_t kSmallWindow = 16;  // taps

// body(first float, each) for parts of a place, where each(vector) is `each_vector` of the part.
template <class Body>
CONVNET_INLINE void each_part(const Window& w, int64_t n, Body body) {
  if (w.ky.size() * w.kx.size() <= kSmallWindow) {
    each_vector(n, [&](int64_t first, int64_t size) {
      body(first, [&](auto vector) { vector(0, size); });
    });
    return;
  }
  constexpr int64_t kFloats = kTogether * kWidth;
  for (int64_t first = 0; first < n; first += kFloats)
    body(first, [&](auto vector) { each_vector(least(kFloats, n - first), vector); });
}

// body(x, tap) for the taps of a window that lie inside.
template <class Body>
CONVNET_INLINE void each_tap(const Window& w, int64_t KW, Body body) {
  for (int64_t ky = 0; ky < w.ky.size(); ++ky)
    for (int64_t kx = 0; kx < w.kx.size(); ++kx)
      body(w.x + ky * w.row + kx * w.column, (w.ky.begin + ky) * KW + w.kx.begin + kx);
}

// Any window, cut off by the border or not.
void max_of_part(const Window& w, int64_t KH, int64_t KW, const MaxResult& out) {
  each_part(w, out.n, [&](int64_t first, auto each) {
    Largest largest[kTogether];
    each([&](int64_t i, int64_t left) {
      largest[i / kWidth] = Largest(load_some(w.x + first + i, left));
    });
    uint32_t all = ~0u;
    each_tap(w, KW, [&](const float* x, int64_t tap) {
      each([&](int64_t i, int64_t left) {
        const Mask won = largest[i / kWidth].add(load_some(x + first + i, left));
        if (out.winners) out.put(tap, first + i, bits(won) | all);
      });
      all = 0;
    });
    each([&](int64_t i, int64_t left) {
      store_some(out.y + first + i, left, largest[i / kWidth].result());
    });
  });
  if (!out.winners) return;
  // So far each tap has a bit where it took over from those before: the last one to do so has won.
  for (int64_t first = 0; first < out.C; first += kTogether) {
    const int64_t channels = least(kTogether, out.C - first);
    uint16_t open[kTogether];
    for (uint16_t& lanes : open) lanes = 0xffff;
    for (int64_t ky = KH - 1; ky >= 0; --ky)
      for (int64_t kx = KW - 1; kx >= 0; --kx) {
        uint16_t* masks = out.winners + (ky * KW + kx) * out.C + first;
        const bool inside = w.ky.begin <= ky && ky < w.ky.end && w.kx.begin <= kx && kx < w.kx.end;
        for (int64_t c = 0; c < channels; ++c) {
          const uint16_t won = inside ? masks[c] : uint16_t{0};
          masks[c] = won & open[c];
          open[c] &= static_cast<uint16_t>(~won);
        }
      }
  }
}

}  // namespace

void max_pool(const KernelArgs& a) {
  const auto& p = a.as<PoolParams>();
  const int64_t n = p.C * a.lanes, taps = p.KH * p.KW;
  uint16_t* winners = a.lanes == 1 ? nullptr : a.bits(2);
  each_window(a, [&](const Window& w, int64_t place) {
    const MaxResult out{a.f32(1) + place * n, winners ? winners + place * taps * p.C : nullptr, n,
                        p.C};
    const bool whole = w.ky.size() == p.KH && w.kx.size() == p.KW;
    if (whole && p.KH == 2 && p.KW == 2) return max_of_window<2, 2>(w, out);
    if (whole && p.KH == 3 && p.KW == 3) return max_of_window<3, 3>(w, out);
    max_of_part(w, p.KH, p.KW, out);
  });
}

void avg_pool(const KernelArgs& a) {
  const int64_t n = a.as<PoolParams>().C * a.lanes;
  each_window(a, [&](const Window& w, int64_t place) {
    const Vec share = set1(1.0f / static_cast<float>(w.ky.size() * w.kx.size()));
    float* y = a.f32(1) + place * n;
    each_part(w, n, [&](int64_t first, auto each) {
      Vec total[kTogether];
      for (Vec& t : total) t = zero();
      each_tap(w, 0, [&](const float* x, int64_t) {
        each([&](int64_t i, int64_t left) {
          total[i / kWidth] = total[i / kWidth] + load_some(x + first + i, left);
        });
      });
      each([&](int64_t i, int64_t left) {
        store_some(y + first + i, left, total[i / kWidth] * share);
      });
    });
  });
}

namespace {

// body(place, window, tap, windows so far) for each window over each place of the rows of the input
// at hand; empty(place) where there is none.
template <class Body, class Empty>
CONVNET_INLINE void each_cover(const KernelArgs& a, Body body, Empty empty) {
  const auto& p = a.as<PoolParams>();
  for (int64_t unit = a.begin; unit < a.end; ++unit) {
    const int64_t iy = unit % p.H, first = unit / p.H * p.OH;
    const Span rows = windows_over(iy, p.sy, p.top, p.KH, p.OH);
    for (int64_t ix = 0; ix < p.W; ++ix) {
      const Span columns = windows_over(ix, p.sx, p.left, p.KW, p.OW);
      const int64_t place = unit * p.W + ix;
      if (rows.size() <= 0 || columns.size() <= 0) empty(place);
      int64_t count = 0;
      for (int64_t oy = rows.begin; oy < rows.end; ++oy)
        for (int64_t ox = columns.begin; ox < columns.end; ++ox) {
          const int64_t ky = iy + p.top - oy * p.sy, kx = ix + p.left - ox * p.sx;
          body(place, (first + oy) * p.OW + ox, ky * p.KW + kx, count++);
        }
    }
  }
}

}  // namespace

void max_pool_backward(const KernelArgs& a) {
  const auto& p = a.as<PoolParams>();
  const int64_t n = p.C * kLanes, taps = p.KH * p.KW;
  const auto body = [&](int64_t place, int64_t window, int64_t tap, int64_t count) {
    const float* dy = a.f32(0) + window * n;
    const uint16_t* won = a.bits(1) + (window * taps + tap) * p.C;
    float* dx = a.f32(2) + place * n;
    const auto part = [&](int64_t i) {
      const uint32_t mask = static_cast<uint32_t>(won[i / kLanes]) >> i % kLanes;
      return keep(mask_of(mask), load(dy + i));
    };
    if (count == 0) {
      for (int64_t i = 0; i < n; i += kWidth) store(dx + i, part(i));
    } else {
      for (int64_t i = 0; i < n; i += kWidth) store(dx + i, load(dx + i) + part(i));
    }
  };
  each_cover(a, body, [&](int64_t place) {
    for (int64_t i = 0; i < n; i += kWidth) store(a.f32(2) + place * n + i, zero());
  });
}

void avg_pool_backward(const KernelArgs& a) {
  const auto& p = a.as<PoolParams>();
  const int64_t n = p.C * a.lanes;
  const auto body = [&](int64_t place, int64_t window, int64_t, int64_t count) {
    const int64_t oy = window / p.OW % p.OH, ox = window % p.OW;
    const int64_t high = taps_inside(oy, p.sy, p.top, p.KH, p.H).size();
    const int64_t wide = taps_inside(ox, p.sx, p.left, p.KW, p.W).size();
    const Vec share = set1(1.0f / static_cast<float>(high * wide));
    const float* dy = a.f32(0) + window * n;
    float* dx = a.f32(1) + place * n;
    each_vector(n, [&](int64_t i, int64_t left) {
      const Vec before = count ? load_some(dx + i, left) : zero();
      store_some(dx + i, left, fma(load_some(dy + i, left), share, before));
    });
  };
  each_cover(a, body, [&](int64_t place) {
    each_vector(
        n, [&](int64_t i, int64_t left) { store_some(a.f32(1) + place * n + i, left, zero()); });
  });
}

}  // namespace convnet::CONVNET_ISA
