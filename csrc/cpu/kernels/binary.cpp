// Functions of two numbers: the list in ops/binary_list.inc compiled into one loop for each
// function and each way of reading the operands along a row.
#include "ops/binary.h"

#include "cpu/kernels/binary_functions.h"
#include "cpu/kernels/strides.h"

namespace convnet::CONVNET_ISA {

namespace {

#define CONVNET_BINARY(name, formula, da_source, da_formula, db_source, db_formula)        \
  struct name##_function {                                                                 \
    static CONVNET_INLINE Vec value(Vec a, Vec b) { return formula; }                      \
    static CONVNET_INLINE Vec da([[maybe_unused]] Vec a, [[maybe_unused]] Vec b, Vec dy) { \
      return da_formula;                                                                   \
    }                                                                                      \
    static CONVNET_INLINE Vec db([[maybe_unused]] Vec a, [[maybe_unused]] Vec b, Vec dy) { \
      return db_formula;                                                                   \
    }                                                                                      \
  };
#include "ops/binary_list.inc"
#undef CONVNET_BINARY

template <class F, bool repeat_a, bool repeat_b>
void forward(const KernelArgs& args, const Strides& s, int64_t begin, int64_t end) {
  each_row<2>(s, begin, end, [&](const int64_t* at, int64_t i, int64_t n) {
    const float *a = args.f32(0) + at[0], *b = args.f32(1) + at[1];
    float* y = args.f32(2) + i;
    int64_t j = 0;
    for (; j + kWidth <= n; j += kWidth)
      store(y + j, F::value(row_load<repeat_a, true>(a, j, n), row_load<repeat_b, true>(b, j, n)));
    if (j == n) return;
    const Vec rest =
        F::value(row_load<repeat_a, false>(a, j, n), row_load<repeat_b, false>(b, j, n));
    store_part<false>(y + j, n - j, rest);
  });
}

template <class F>
void forward(const KernelArgs& args, const BinaryParams& p) {
  const Strides& s = p.strides;
  const int64_t begin = args.begin * kElementBlock, end = least(args.end * kElementBlock, s.size);
  if (repeats(s, 0)) return forward<F, true, false>(args, s, begin, end);
  if (repeats(s, 1)) return forward<F, false, true>(args, s, begin, end);
  forward<F, false, false>(args, s, begin, end);
}

template <class F, bool second, bool repeat_a, bool repeat_b, bool whole>
CONVNET_INLINE Vec slope(const float* a, const float* b, const float* dy, int64_t j, int64_t n) {
  const Vec x = row_load<repeat_a, whole>(a, j, n), y = row_load<repeat_b, whole>(b, j, n);
  const Vec g = row_load<false, whole>(dy, j, n);
  if constexpr (second) return F::db(x, y, g);
  return F::da(x, y, g);
}

template <class F, bool second, bool repeat_a, bool repeat_b>
void backward(const KernelArgs& args, const Strides& s, int64_t begin, int64_t end) {
  each_row<2>(s, begin, end, [&](const int64_t* at, int64_t i, int64_t n) {
    const float* dy = args.f32(2) + i;
    const float* a = args.f32(0) ? args.f32(0) + at[0] : dy;
    const float* b = args.f32(1) ? args.f32(1) + at[1] : dy;
    float* out = args.f32(3) + i;
    int64_t j = 0;
    for (; j + kWidth <= n; j += kWidth)
      store(out + j, slope<F, second, repeat_a, repeat_b, true>(a, b, dy, j, n));
    if (j == n) return;
    store_part<false>(out + j, n - j, slope<F, second, repeat_a, repeat_b, false>(a, b, dy, j, n));
  });
}

template <class F, bool second>
void backward(const KernelArgs& args, const BinaryParams& p) {
  const Strides& s = p.strides;
  const int64_t begin = args.begin * kElementBlock, end = least(args.end * kElementBlock, s.size);
  if (repeats(s, 0)) return backward<F, second, true, false>(args, s, begin, end);
  if (repeats(s, 1)) return backward<F, second, false, true>(args, s, begin, end);
  backward<F, second, false, false>(args, s, begin, end);
}

}  // namespace

void binary(const KernelArgs& args) {
  const auto& p = args.as<BinaryParams>();
  switch (p.fn) {
#define CONVNET_BINARY(name, value, da_source, da, db_source, db) \
  case Binary::name:                                              \
    return forward<name##_function>(args, p);
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
  }
}

void binary_backward(const KernelArgs& args) {
  const auto& p = args.as<BinaryParams>();
  switch (p.fn) {
#define CONVNET_BINARY(name, value, da_source, da, db_source, db) \
  case Binary::name:                                              \
    return p.wrt ? backward<name##_function, true>(args, p)       \
                 : backward<name##_function, false>(args, p);
#include "ops/binary_list.inc"
#undef CONVNET_BINARY
  }
}

}  // namespace convnet::CONVNET_ISA
