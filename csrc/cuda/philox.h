// Random numbers, those of cpu/kernels/philox.h: the counter is (sample, block of four, step,
// node).
#pragma once

#include "cpu/kernels/philox_rounds.h"
#include "cuda/backend.h"

namespace convnet::cuda {

struct Numbers {
  uint32_t x[4];
};

struct Product {
  CONVNET_INLINE void operator()(uint32_t x, uint32_t factor, uint32_t& high, uint32_t& low) const {
    high = static_cast<uint32_t>(uint64_t{x} * factor >> 32);
    low = x * factor;
  }
};

CONVNET_INLINE Numbers philox(const Step& step, uint32_t node, int64_t sample, int64_t block) {
  Numbers r{{static_cast<uint32_t>(sample), static_cast<uint32_t>(block),
             static_cast<uint32_t>(step.step), node}};
  philox_rounds(r.x[0], r.x[1], r.x[2], r.x[3], step.seed, Product{});
  return r;
}

}  // namespace convnet::cuda
