// Division by a number that is known before the launch, as a multiplication.
#pragma once

#include <cstdint>

#include "cuda/launch.h"

namespace convnet::cuda {

// For 0 <= n < 2^31 and 1 <= divisor < 2^31: with 2^(s - 1) < divisor <= 2^s, the factor is
// 2^(31 + s) / divisor rounded up, by less than 2^s parts of n.
class Divisor {
 public:
  explicit Divisor(int64_t n) : divisor_(static_cast<int>(std::max<int64_t>(n, 1))) {
    const uint64_t divisor = static_cast<uint64_t>(divisor_);
    int s = 0;
    while (uint64_t{1} << s < divisor) ++s;
    shift_ = 31 + s;
    factor_ = static_cast<uint32_t>(((uint64_t{1} << shift_) + divisor - 1) / divisor);
  }
  CONVNET_INLINE int quotient(int n) const {
    return static_cast<int>(uint64_t{static_cast<uint32_t>(n)} * factor_ >> shift_);
  }
  // n = quotient * divisor + remainder.
  CONVNET_INLINE int divide(int n, int& remainder) const {
    const int q = quotient(n);
    remainder = n - q * divisor_;
    return q;
  }
  CONVNET_INLINE int divisor() const { return divisor_; }

 private:
  int divisor_, shift_;
  uint32_t factor_;
};

}  // namespace convnet::cuda
