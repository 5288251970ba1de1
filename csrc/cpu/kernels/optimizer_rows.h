// Updates of an embedding table by the row; see graph/rows.cpp. Rows that have missed steps go
// through them a few vectors at a time, which stay in registers for all steps: memory is passed
// over once, and there is something to do while a division is under way.
#pragma once

#include "cpu/kernels/optimizer_rules.h"
#include "cpu/kernels/tail.h"
#include "ops/embedding.h"

namespace convnet::CONVNET_ISA {

CONVNET_INLINE bool all(Mask m) { return bits(m) == bits(zero() == zero()); }

template <class Rule>
class RowUpdate {
 public:
  RowUpdate(const KernelArgs& a, const Rule& rule)
      : a_(a), p_(a.as<OptimizerParams>()), rule_(rule) {}

  // `scalars`: those of this step.
  void run(const float* scalars) const {
    if (p_.phase == Phase::catch_up) return catch_up();
    if (p_.phase == Phase::close) return close();
    update(step_of(scalars));
    float* kept = scalars_of(a_.step->index);
    for (int64_t i = 0; a_.begin == 0 && i < kStepScalars; ++i) kept[i] = scalars[i];
  }

 private:
  static constexpr int N = Rule::slots;
  static constexpr int kBlock = kRegisters >= 32 ? 4 : 2;  // vectors that miss steps together

  const int32_t* list() const { return a_.i32(2 + N); }
  int32_t* seen() const { return a_.i32(3 + N); }
  float* scalars_of(int64_t step) const {
    return a_.f32(4 + N) + step % kListedWithin * kStepScalars;
  }

  void catch_up() const {
    const int64_t n = list()[kListedAll], end = cut(n, kOptimizerRowUnits, a_.end);
    for (int64_t i = cut(n, kOptimizerRowUnits, a_.begin); i < end; ++i)
      catch_up(list()[kListedRows + i], a_.step->index);
  }

  // Steps of the next run are counted from zero.
  void close() const {
    const int64_t end = cut(p_.rows, kOptimizerRowUnits, a_.end);
    for (int64_t row = cut(p_.rows, kOptimizerRowUnits, a_.begin); row < end; ++row) {
      catch_up(row, a_.step->index + 1);
      seen()[row] = 0;
    }
  }

  void update(const UpdateStep& step) const {
    const int64_t n = list()[kListedBatch], end = cut(n, kOptimizerRowUnits, a_.end);
    const int64_t columns = p_.columns;
    const int32_t* rows = list() + kListedRows;
    float* data[2 + N];
    CONVNET_EACH(b, 2 + N) data[b] = a_.f32(b);
    for (int64_t i = cut(n, kOptimizerRowUnits, a_.begin); i < end; ++i) {
      const int64_t row = rows[i], next = rows[least(i + 1, end - 1)];
      for (int64_t c = 0; c < columns; c += kWidth) {
        const int64_t lanes = least(kWidth, columns - c);
        Vec v[2 + N];
        CONVNET_EACH(b, 2 + N) {
          v[b] = load_some(data[b] + (b == 1 ? i : row) * columns + c, lanes);
          // Rows lie apart, too short for the processor to foresee the next one.
          if (b != 1) prefetch(data[b] + next * columns + c);
        }
        apply(rule_, step, v);
        CONVNET_EACH(b, 2 + N)
          if (b != 1) store_some(data[b] + row * columns + c, lanes, v[b]);
      }
      seen()[row] = static_cast<int32_t>(a_.step->index + 1);
    }
  }

  void catch_up(int64_t row, int64_t until) const {
    const int64_t from = seen()[row];
    if (from == until) return;
    const int64_t begin = row * p_.columns, end = begin + p_.columns;
    int64_t at = begin;
    for (; at + kBlock * kWidth <= end; at += kBlock * kWidth)
      miss<kBlock>(at, kWidth, from, until);
    for (; at < end; at += kWidth) miss<1>(at, least(kWidth, end - at), from, until);
    seen()[row] = static_cast<int32_t>(until);
  }

  // Steps [from, until) for `count` vectors of elements from `at` on, the last one of `lanes`.
  template <int count>
  CONVNET_INLINE void miss(int64_t at, int64_t lanes, int64_t from, int64_t until) const {
    Vec v[count][2 + N];
    bool resting = true;
    CONVNET_EACH(i, count) {
      CONVNET_EACH(b, 2 + N)
        v[i][b] = b == 1 ? zero() : load_some(a_.f32(b) + at + i * kWidth, lanes);
      resting = resting && all(rule_.rests(v[i]));
    }
    if (resting)
      go_through([&](const UpdateStep& s, Vec(&x)[2 + N]) { rule_.rest(s, x); }, v, from, until);
    else
      go_through(rule_, v, from, until);
    CONVNET_EACH(i, count)
      CONVNET_EACH(b, 2 + N)
        if (b != 1) store_some(a_.f32(b) + at + i * kWidth, lanes, v[i][b]);
  }

  template <class F, int count>
  CONVNET_INLINE void go_through(F f, Vec (&v)[count][2 + N], int64_t from, int64_t until) const {
    for (int64_t s = from; s < until; ++s) {
      const UpdateStep step = step_of(scalars_of(s));
      CONVNET_EACH(i, count) apply(f, step, v[i]);
    }
  }

  template <class F>
  CONVNET_INLINE void apply(F f, const UpdateStep& step, Vec (&v)[2 + N]) const {
    if (p_.weight_decay != 0) decay(p_, step, v[0]);
    f(step, v);
  }

  const KernelArgs& a_;
  const OptimizerParams& p_;
  const Rule& rule_;
};

}  // namespace convnet::CONVNET_ISA
