// Dropout: draws, and their use forward and backward.
#include "ops/dropout.h"

#include "cpu/kernels/philox.h"

namespace convnet::CONVNET_ISA {

namespace {

// Draws [begin, end) of a shard of one sample, 64 at a time: the same as where it is one of 16.
void draw_of_one(const KernelArgs& a, const DropoutParams& p, int64_t begin, int64_t end,
                 uint32_t least_kept, uint16_t* kept) {
  for (int64_t i = begin; i < end; i += 4 * kLanes) {
    Numbers r[4];
    philox(r, *a.step, p.seed, a.shard(), i / 4, true);
    uint32_t numbers[4][kLanes];
    CONVNET_EACH(word, 4) store(numbers[word], r[word]);
    for (int64_t j = 0; j < least(4 * kLanes, end - i); ++j)
      kept[i + j] = numbers[j % 4][j / 4] >= least_kept;
  }
}

// Bits of the draws [begin, end): set where a 32-bit number is at least rate * 2^32.
void draw(const KernelArgs& a, const DropoutParams& p, int64_t begin, int64_t end, uint16_t* kept) {
  const double threshold = static_cast<double>(p.rate) * 4294967296.0;
  if (threshold >= 4294967296.0) {
    for (int64_t i = begin; i < end; ++i) kept[i] = 0;
    return;
  }
  const uint32_t least_kept = static_cast<uint32_t>(threshold);
  if (a.lanes == 1) return draw_of_one(a, p, begin, end, least_kept, kept);
  for (int64_t i = begin; i < end; i += 4) {
    Numbers r[4];
    philox(r, *a.step, p.seed, a.first(a.shard()), i / 4);
    for (int64_t j = 0; j < 4 && i + j < end; ++j)
      kept[i + j] = static_cast<uint16_t>(at_least(r[j], least_kept));
  }
}

void apply(const DropoutParams& p, int64_t lanes, int64_t begin, int64_t end, const float* x,
           const uint16_t* kept, float* y) {
  const float factor = p.rate < 1 ? 1.0f / (1.0f - p.rate) : 0.0f;
  if (lanes == 1) {
    for (int64_t f = begin; f < end; ++f) y[f] = kept[p.draw(f)] ? x[f] * factor : 0.0f;
    return;
  }
  const Vec scale = set1(factor);
  for (int64_t f = begin; f < end; ++f) {
    const uint32_t bits = kept[p.draw(f)];
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = f * kLanes + v * kWidth;
      store(y + at, keep(mask_of(bits >> (v * kWidth)), load(x + at) * scale));
    }
  }
}

// Features of the units to do; draws that features share are not cut.
CONVNET_INLINE int64_t first_feature(const KernelArgs& a, const DropoutParams& p) {
  return p.shared ? 0 : a.begin * kDropoutBlock;
}
CONVNET_INLINE int64_t last_feature(const KernelArgs& a, const DropoutParams& p) {
  return p.shared ? p.features : least(a.end * kDropoutBlock, p.features);
}

}  // namespace

void dropout(const KernelArgs& a) {
  const auto& p = a.as<DropoutParams>();
  const int64_t begin = first_feature(a, p), end = last_feature(a, p);
  draw(a, p, begin, p.shared ? p.noise : end, a.bits(2));
  apply(p, a.lanes, begin, end, a.f32(0), a.bits(2), a.f32(1));
}

void dropout_backward(const KernelArgs& a) {
  const auto& p = a.as<DropoutParams>();
  apply(p, a.lanes, first_feature(a, p), last_feature(a, p), a.f32(0), a.bits(1), a.f32(2));
}

}  // namespace convnet::CONVNET_ISA
