// Uniform random numbers for initializers. Those of unit u, 64 of them, are the first words of
// sixteen Philox blocks, then the second ones and so on. The counter of block b of the unit is
// 16 u + b in its lower half and key[1] in the upper one; the key of the cipher is key[0].
#include "cpu/kernel_table.h"
#include "cpu/kernels/index.h"
#include "cpu/kernels/philox_rounds.h"
#include "cpu/simd/numbers.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kBlocks = 16;  // of a unit
static_assert(4 * kBlocks == kUniformUnit);

CONVNET_INLINE void draw_unit(const Uniform& draw, int64_t unit, float* to) {
  const uint64_t first = static_cast<uint64_t>(unit) * kBlocks;
  Numbers x[] = {counted(static_cast<uint32_t>(first)), same(static_cast<uint32_t>(first >> 32)),
                 same(static_cast<uint32_t>(draw.key[1])),
                 same(static_cast<uint32_t>(draw.key[1] >> 32))};
  philox_rounds(x[0], x[1], x[2], x[3], draw.key[0], Product{});
  CONVNET_EACH(i, 4)
    CONVNET_EACH(v, kVectors)
      store(to + i * kBlocks + v * kWidth,
            float_of(x[i].part[v] >> 8) * 0x1p-24f * draw.scale + draw.offset);
}

}  // namespace

void uniform(const Uniform& draw, int64_t begin, int64_t end) {
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t at = unit * kUniformUnit;
    if (draw.n - at >= kUniformUnit) {
      draw_unit(draw, unit, draw.out + at);
      continue;
    }
    float last[kUniformUnit];
    draw_unit(draw, unit, last);
    for (int64_t i = at; i < draw.n; ++i) draw.out[i] = last[i - at];
  }
}

}  // namespace convnet::CONVNET_ISA
