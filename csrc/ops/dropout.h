#pragma once

#include <cstdint>

namespace convnet {

constexpr int kDropoutAxes = 8;
constexpr int64_t kDropoutBlock =
    64;  // features of a unit; a multiple of 4, the numbers of one Philox call

// Each of `noise` draws keeps or drops the features of x [features][16] that share it.
struct DropoutParams {
  int64_t features, noise;
  bool shared;  // several features share a draw
  int32_t axes;
  int64_t extent[kDropoutAxes], stride[kDropoutAxes];  // where a feature's draw is
  uint32_t seed;
  float rate;

  // The draw of feature `f`.
  int64_t draw(int64_t f) const {
    if (!shared) return f;
    int64_t at = 0;
    for (int32_t i = axes - 1; i >= 0; --i) {
      at += f % extent[i] * stride[i];
      f /= extent[i];
    }
    return at;
  }
};

}  // namespace convnet
