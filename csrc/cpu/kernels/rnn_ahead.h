// Memory that the next step of a recurrent layer will read or write, asked for line by line while a
// product keeps the multipliers busy. Sequences are longer than the caches, and a pass over the
// units would wait for them: the processor foresees neither steps taken backwards nor so many rows.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

class Ahead {
 public:
  // A row to come; null: there is none.
  CONVNET_INLINE void add(const float* row, int64_t size) {
    if (!row) return;
    pieces_[count_] = {row, row + size};
    if (count_++ == 0) at_ = row;
  }

  // Asks for a line, in the end for the last one again. There must be a row.
  CONVNET_INLINE void line() {
    prefetch(at_);
    at_ += kLineFloats;
    if (at_ < pieces_[piece_].end) return;
    if (piece_ + 1 < count_)
      at_ = pieces_[++piece_].begin;
    else
      at_ -= kLineFloats;
  }

 private:
  struct Piece {
    const float *begin, *end;
  };
  Piece pieces_[8];
  int count_ = 0, piece_ = 0;
  const float* at_;
};

struct NothingAhead {
  CONVNET_INLINE void line() {}
};

}  // namespace convnet::CONVNET_ISA
