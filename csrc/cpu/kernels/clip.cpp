// Clipping of gradients by value and by norm.
#include "ops/clip.h"

#include "cpu/kernels/sweep.h"

namespace convnet::CONVNET_ISA {

namespace {

struct Piece {
  int64_t begin, end, first_block;
};

// body(piece, begin, end) for the part of each variable that blocks [a.begin, a.end) cover; begin
// is at a block's start.
template <class Body>
CONVNET_INLINE void each_piece(const KernelArgs& a, Body body) {
  const Piece* piece = reinterpret_cast<const Piece*>(a.list<ClipNormParams>());
  for (int64_t v = 0; v < a.as<ClipNormParams>().variables; ++v, ++piece) {
    const int64_t from = most(a.begin, piece[0].first_block);
    const int64_t to = least(a.end, piece[1].first_block);
    if (from >= to) continue;
    const int64_t begin = piece->begin + (from - piece->first_block) * kNormBlock;
    body(piece, begin, least(piece->begin + (to - piece->first_block) * kNormBlock, piece->end));
  }
}

float sum_of_squares(const float* x, int64_t n) {
  Vec even = zero(), odd = zero();
  int64_t i = 0;
  for (; i + 2 * kWidth <= n; i += 2 * kWidth) {
    const Vec a = load(x + i), b = load(x + i + kWidth);
    even = fma(a, a, even);
    odd = fma(b, b, odd);
  }
  float total = sum(even + odd);
  for (; i < n; ++i) total += x[i] * x[i];
  return total;
}

}  // namespace

void clip_value(const KernelArgs& a) {
  const auto& p = a.as<ClipValueParams>();
  const Vec low = set1(-p.value), high = set1(p.value);
  float* const buffers[] = {a.f32(0)};
  sweep(buffers, 1u, a.begin * p.block, least(a.end * p.block, p.size),
        [&](Vec(&v)[1]) { v[0] = max(low, min(high, v[0])); });
}

void block_squares(const KernelArgs& a) {
  each_piece(a, [&](const Piece* piece, int64_t begin, int64_t end) {
    float* out = a.f32(1) + piece->first_block + (begin - piece->begin) / kNormBlock;
    for (int64_t i = begin; i < end; i += kNormBlock)
      *out++ = sum_of_squares(a.f32(0) + i, least(kNormBlock, end - i));
  });
}

void clip_norm(const KernelArgs& a) {
  const auto& p = a.as<ClipNormParams>();
  float* const buffers[] = {a.f32(0)};
  each_piece(a, [&](const Piece* piece, int64_t begin, int64_t end) {
    double squares = 0;
    for (int64_t b = piece[0].first_block; b < piece[1].first_block; ++b) squares += a.f32(1)[b];
    const float norm = __builtin_sqrtf(static_cast<float>(squares));
    if (p.global) {
      const float inverse = 1 / norm, most_inverse = 1 / p.limit;
      // An infinite norm makes every gradient NaN instead of hiding it behind zeros.
      const Vec scale =
          set1(p.limit * (inverse < most_inverse ? inverse : most_inverse) + (norm - norm));
      sweep(buffers, 1u, begin, end, [&](Vec(&v)[1]) { v[0] = v[0] * scale; });
    } else {
      const Vec limit = set1(p.limit), divisor = set1(norm <= p.limit ? p.limit : norm);
      sweep(buffers, 1u, begin, end, [&](Vec(&v)[1]) { v[0] = v[0] * limit / divisor; });
    }
  });
}

void global_clip_norm(const KernelArgs& a) { clip_norm(a); }

}  // namespace convnet::CONVNET_ISA
