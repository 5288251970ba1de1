// One row times a matrix that is larger than the first-level cache, outputs in lanes, as row_times:
// y[m] = start[m] + sum over k of x[k] w[k][m]. Weights are read once and in the order in which
// they lie, a run of rows at a time over all outputs: so a core reads them as fast as it can read
// at all, from any cache, also where rows begin in the same sets of it. The results take part in
// the first-level cache.
#pragma once

#include "cpu/kernels/row_times.h"

namespace convnet::CONVNET_ISA {

constexpr int kRun = 8;  // rows of a run

// Outputs [begin, end), and as many in each of `parts` that are `step` outputs apart.
struct RunOutputs {
  int64_t begin, end, parts = 1, step = 0;
};

// y[begin .. end) = from[begin .. end) (zeros where null) + rows k .. k + R of w.
template <int R>
CONVNET_INLINE void run_of_rows(const RowTimes& r, const float* from, int64_t k, int64_t begin,
                                int64_t end) {
  Vec s[R];
  CONVNET_EACH(i, R) s[i] = set1(r.x[k + i]);
  const float* w = r.w + k * r.pitch;
  int64_t m = begin;
  for (; m + kWidth <= end; m += kWidth) {
    Vec y = from ? load(from + m) : zero();
    CONVNET_EACH(i, R) y = fma(s[i], load(w + i * r.pitch + m), y);
    store(r.y + m, y);
  }
  if (m == end) return;
  Vec y = from ? load_first(from + m, end - m) : zero();
  CONVNET_EACH(i, R) y = fma(s[i], load_first(w + i * r.pitch + m, end - m), y);
  store_first(r.y + m, end - m, y);
}

inline void row_runs(const RowTimes& r, const RunOutputs& to) {
  const float* from = r.start;
  for (int64_t k = 0; k < r.K; from = r.y) {
    const bool whole = k + kRun <= r.K;
    for (int64_t part = 0; part < to.parts; ++part) {
      const int64_t begin = to.begin + part * to.step, end = to.end + part * to.step;
      if (whole)
        run_of_rows<kRun>(r, from, k, begin, end);
      else
        run_of_rows<1>(r, from, k, begin, end);
    }
    k += whole ? kRun : 1;
  }
}

}  // namespace convnet::CONVNET_ISA
