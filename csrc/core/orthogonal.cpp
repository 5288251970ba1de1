// Modified Gram-Schmidt by blocks of columns (Bjorck, Linear Algebra and its Applications 197,
// 1994): a block is made orthonormal column by column, then taken off all columns to its right in
// two passes over their rows. In double precision, for results in single: what it loses for a
// matrix that is badly conditioned does not count.
#include "core/orthogonal.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace convnet {

namespace {

constexpr int64_t kBlock = 8;

double column_product(const double* x, const double* y, int64_t m, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < m; ++i) sum += x[i * n] * y[i * n];
  return sum;
}

// Columns of a block, which begin at a.
void orthonormalize_block(double* a, int64_t width, int64_t m, int64_t n) {
  for (int64_t c = 0; c < width; ++c) {
    for (int64_t b = 0; b < c; ++b) {
      const double r = column_product(a + b, a + c, m, n);
      for (int64_t i = 0; i < m; ++i) a[i * n + c] -= r * a[i * n + b];
    }
    const double scale = 1 / std::sqrt(column_product(a + c, a + c, m, n));
    for (int64_t i = 0; i < m; ++i) a[i * n + c] *= scale;
  }
}

// y[k] += f[t] x[t][k], summed over t < T; rows of x lie `pitch` apart, factors `step`.
template <int T>
void add_rows(double* __restrict y, int64_t count, const double* f, int64_t step, double sign,
              const double* __restrict x, int64_t pitch) {
  double factor[T];
  for (int t = 0; t < T; ++t) factor[t] = sign * f[t * step];
  for (int64_t k = 0; k < count; ++k) {
    double sum = y[k];
    for (int t = 0; t < T; ++t) sum += factor[t] * x[t * pitch + k];
    y[k] = sum;
  }
}

// Takes what a block spans off the `right` columns after it.
void take_off(double* a, int64_t width, int64_t right, int64_t m, int64_t n,
              std::vector<double>& products) {
  products.assign(static_cast<size_t>(width * right), 0);
  double *rest = a + width, *r = products.data();
  int64_t i = 0;
  for (; i + kBlock <= m; i += kBlock)
    for (int64_t b = 0; b < width; ++b)
      add_rows<kBlock>(r + b * right, right, a + i * n + b, n, 1, rest + i * n, n);
  for (; i < m; ++i)
    for (int64_t b = 0; b < width; ++b)
      add_rows<1>(r + b * right, right, a + i * n + b, n, 1, rest + i * n, n);
  // Only the last block, which has nothing to its right, is narrower.
  for (i = 0; i < m; ++i) add_rows<kBlock>(rest + i * n, right, a + i * n, 1, -1, r, right);
}

}  // namespace

void orthonormalize(double* a, int64_t m, int64_t n) {
  std::vector<double> products;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t width = std::min(kBlock, n - begin), right = n - begin - width;
    orthonormalize_block(a + begin, width, m, n);
    if (right > 0) take_off(a + begin, width, right, m, n, products);
  }
}

}  // namespace convnet
