// The pixels that carry gradient under max pooling, for each output channel and sample: squares of
// pixels and samples are transposed, and those that are alive written one after another.
#include "ops/conv2d_sparse.h"

#include "cpu/kernels/index.h"
#include "cpu/simd/compress.h"
#include "cpu/simd/transpose.h"

namespace convnet::CONVNET_ISA {

namespace {

// Where a pixel lies in an image: the integer's bits, in all lanes.
CONVNET_INLINE Vec place(const SparseParams& p, int64_t pixel) {
  const auto at = static_cast<int32_t>(pixel * p.pitch());
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
    for (int64_t l = 0; l < kLanes; ++l)
      std::memcpy(lists + l * p.list(), &count[l], sizeof *count);
  }
}

}  // namespace convnet::CONVNET_ISA
