// Pooling: one thread a result. Backward, each place of the input collects from the windows that
// cover it, so that nothing is scattered.
#include "ops/pool.h"

#include "cuda/divide.h"

namespace convnet::cuda {

namespace {

// A place of a result or an input: channel, column, row, image.
struct Place {
  int64_t c, x, y, image;
};
__device__ __forceinline__ Place place_of(int64_t i, int64_t C, int64_t W, int64_t H) {
  const auto [pixel, c] = divide(i, C);
  const auto [row, x] = divide(pixel, W);
  const auto [image, y] = divide(row, H);
  return {c, x, y, image};
}

// Taps of window `o` that lie within an axis of n places.
struct Taps {
  int64_t begin, end;
};
CONVNET_INLINE Taps taps_inside(int64_t o, int64_t stride, int64_t before, int64_t taps,
                                int64_t n) {
  const int64_t first = o * stride - before;
  return {first < 0 ? -first : 0, n - first < taps ? n - first : taps};
}

__global__ void max_forward(const float* x, float* y, uint16_t* winners, int64_t n, PoolParams p) {
  each_element(n, [&](int64_t i) {
    const Place at = place_of(i, p.C, p.OW, p.OH);
    const Taps ky = taps_inside(at.y, p.sy, p.top, p.KH, p.H);
    const Taps kx = taps_inside(at.x, p.sx, p.left, p.KW, p.W);
    float best = 0;
    int64_t winner = -1;
    bool broken = false;
    for (int64_t ty = ky.begin; ty < ky.end; ++ty)
      for (int64_t tx = kx.begin; tx < kx.end; ++tx) {
        const int64_t iy = at.y * p.sy - p.top + ty, ix = at.x * p.sx - p.left + tx;
        const float value = x[((at.image * p.H + iy) * p.W + ix) * p.C + at.c];
        broken = broken || value != value;
        if (winner < 0 || value > best) best = value, winner = ty * p.KW + tx;
      }
    y[i] = broken ? __builtin_nanf("") : best;
    if (winners) winners[i] = static_cast<uint16_t>(winner);
  });
}

__global__ void average_forward(const float* x, float* y, int64_t n, PoolParams p) {
  each_element(n, [&](int64_t i) {
    const Place at = place_of(i, p.C, p.OW, p.OH);
    const Taps ky = taps_inside(at.y, p.sy, p.top, p.KH, p.H);
    const Taps kx = taps_inside(at.x, p.sx, p.left, p.KW, p.W);
    float sum = 0;
    for (int64_t ty = ky.begin; ty < ky.end; ++ty)
      for (int64_t tx = kx.begin; tx < kx.end; ++tx) {
        const int64_t iy = at.y * p.sy - p.top + ty, ix = at.x * p.sx - p.left + tx;
        sum += x[((at.image * p.H + iy) * p.W + ix) * p.C + at.c];
      }
    y[i] = sum * (1.0f / static_cast<float>((ky.end - ky.begin) * (kx.end - kx.begin)));
  });
}

// The sum of part(window's element, tap) over the windows that cover a place.
template <class Part>
__device__ __forceinline__ float over_windows(const PoolParams& p, const Place& at, Part part) {
  float sum = 0;
  const int64_t y = at.y + p.top, x = at.x + p.left;
  const int64_t first_y = y < p.KH ? 0 : divide(y - p.KH, p.sy).quotient + 1;
  const int64_t first_x = x < p.KW ? 0 : divide(x - p.KW, p.sx).quotient + 1;
  const int64_t last_y = divide(y, p.sy).quotient, last_x = divide(x, p.sx).quotient;
  for (int64_t oy = first_y; oy <= last_y && oy < p.OH; ++oy)
    for (int64_t ox = first_x; ox <= last_x && ox < p.OW; ++ox)
      sum = part(sum, oy, ox, (y - oy * p.sy) * p.KW + x - ox * p.sx);
  return sum;
}

__global__ void max_backward(const float* dy, const uint16_t* winners, float* dx, int64_t n,
                             PoolParams p) {
  each_element(n, [&](int64_t i) {
    const Place at = place_of(i, p.C, p.W, p.H);
    dx[i] = over_windows(p, at, [&](float sum, int64_t oy, int64_t ox, int64_t tap) {
      const int64_t window = ((at.image * p.OH + oy) * p.OW + ox) * p.C + at.c;
      return winners[window] == tap ? sum + dy[window] : sum;
    });
  });
}

__global__ void average_backward(const float* dy, float* dx, int64_t n, PoolParams p) {
  each_element(n, [&](int64_t i) {
    const Place at = place_of(i, p.C, p.W, p.H);
    dx[i] = over_windows(p, at, [&](float sum, int64_t oy, int64_t ox, int64_t) {
      const Taps ky = taps_inside(oy, p.sy, p.top, p.KH, p.H);
      const Taps kx = taps_inside(ox, p.sx, p.left, p.KW, p.W);
      const float share = 1.0f / static_cast<float>((ky.end - ky.begin) * (kx.end - kx.begin));
      return fmaf(dy[((at.image * p.OH + oy) * p.OW + ox) * p.C + at.c], share, sum);
    });
  });
}

int64_t results(const Call& a, const PoolParams& p) {
  return a.samples * p.outer * p.OH * p.OW * p.C;
}
int64_t places(const Call& a, const PoolParams& p) { return a.samples * p.outer * p.H * p.W * p.C; }

}  // namespace

void max_pool(const Call& a) {
  const auto& p = a.as<PoolParams>();
  const int64_t n = results(a, p);
  launch(max_forward, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         a.f32(1), static_cast<uint16_t*>(a.data[2]), n, p);
}

void avg_pool(const Call& a) {
  const auto& p = a.as<PoolParams>();
  const int64_t n = results(a, p);
  launch(average_forward, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         a.f32(1), n, p);
}

void max_pool_backward(const Call& a) {
  const auto& p = a.as<PoolParams>();
  const int64_t n = places(a, p);
  launch(max_backward, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         static_cast<const uint16_t*>(a.data[1]), a.f32(2), n, p);
}

void avg_pool_backward(const Call& a) {
  const auto& p = a.as<PoolParams>();
  const int64_t n = places(a, p);
  launch(average_backward, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)),
         a.f32(1), n, p);
}

}  // namespace convnet::cuda
