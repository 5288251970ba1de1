// Division by a number that is known before the launch, as a multiplication; and out of line.
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

struct Quotient {
  int64_t quotient, remainder;
};
// 0 <= n, 1 <= divisor; beyond 31 bits by steps in float32, of which four are enough. The division
// of 64 bits that there is fills a page.
CONVNET_CALLED Quotient divide(int64_t n, int64_t divisor) {
  if ((n | divisor) >> 31 == 0) {
    const unsigned small = static_cast<unsigned>(n), by = static_cast<unsigned>(divisor);
    return {small / by, small % by};
  }
  const float inverse = 1.0f / static_cast<float>(divisor);
  int64_t quotient = 0, remainder = n;
  while (remainder < 0 || remainder >= divisor) {
    auto step = static_cast<int64_t>(static_cast<float>(remainder) * inverse);
    if (step == 0) step = remainder < 0 ? -1 : 1;
    quotient += step, remainder -= step * divisor;
  }
  return {quotient, remainder};
}

}  // namespace convnet::cuda
