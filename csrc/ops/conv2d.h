#pragma once

#include "ops/activation.h"
#include "ops/winograd.h"

namespace convnet {

enum class FusedPool : int32_t { none, max, average };

// x [outer][H][W][C][16], w [KH][KW][C / groups][OC] -> y [outer][OH][OW][OC][16], or [outer][OH /
// 2][OW / 2][OC][16] after a fused 2x2 pool. dy, dx: dilation; sy, sx: strides; top, left: padding.
struct Conv2dParams {
  int64_t outer, H, W, C, OH, OW, OC, KH, KW;
  int64_t sy, sx, dy, dx, top, left, groups;
  int64_t segments;  // pieces of a row, each a unit of work
  Activation activation;
  FusedPool pool;
  bool depthwise;     // few channels a group: kernels go through them one by one
  WinogradTile tile;  // of the forward convolution or of one of its gradients

  constexpr int64_t in_group() const { return C / groups; }
  constexpr int64_t out_group() const { return OC / groups; }
  constexpr int64_t taps() const { return KH * KW; }
  int64_t operations() const { return 2 * outer * OH * OW * OC * taps() * in_group(); }
  // An image of one sample with all its padding.
  int64_t padded_width() const { return (OW - 1) * sx + (KW - 1) * dx + 1; }
  int64_t padded_height() const { return (OH - 1) * sy + (KH - 1) * dy + 1; }
  int64_t padded_floats() const { return padded_height() * padded_width() * C; }
  // Rows of y; a unit of work is one of them, or a segment of it.
  int64_t rows() const { return pool == FusedPool::none ? OH : OH / 2; }
};

// conv2d_pack: weights in the order that the register tiles of the forward (or, transposed, the
// backward) kernel read them.
struct Conv2dPackParams {
  int64_t taps, in_group, out_group, groups;
  bool transposed;
};

}  // namespace convnet
