// The rounds of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011), for any number of counters at once.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// product(x, factor, high, low): the halves of a product.
template <class Numbers, class Product>
CONVNET_INLINE void philox_rounds(Numbers& x0, Numbers& x1, Numbers& x2, Numbers& x3, uint64_t seed,
                                  Product product) {
  constexpr uint32_t kFirst = 0xD2511F53u, kSecond = 0xCD9E8D57u;
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    Numbers high0, low0, high2, low2;
    product(x0, kFirst, high0, low0);
    product(x2, kSecond, high2, low2);
    x0 = high2 ^ x1 ^ key0;
    x2 = high0 ^ x3 ^ key1;
    x1 = low2;
    x3 = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

}  // namespace convnet::CONVNET_ISA
