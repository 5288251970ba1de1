// The peak rate of multiply-adds from registers: what other kernels are measured against.
#include "cpu/kernels/index.h"
#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// Does `rounds` rounds of independent multiply-adds and returns how many floating-point operations
// that was.
int64_t probe(int64_t rounds, float* sink) {
  constexpr int kChains = kRegisters >= 32 ? 24 : 12;
  Vec acc[kChains];
  CONVNET_EACH(i, kChains) acc[i] = set1(static_cast<float>(i));
  const Vec a = set1(sink[0]), b = set1(sink[1]);
  for (int64_t r = 0; r < rounds; ++r) {
    CONVNET_EACH(i, kChains) acc[i] = fma(acc[i], a, b);
  }
  Vec total = zero();
  CONVNET_EACH(i, kChains) total = total + acc[i];
  sink[2] = sum(total);
  return rounds * kChains * kWidth * 2;
}

}  // namespace convnet::CONVNET_ISA
