// Shapes: short lists of extents and the arithmetic on them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace convnet {

using Dims = std::vector<int64_t>;

// Product of the extents in [first, last); 1 for an empty range.
int64_t numel(const Dims& dims, size_t first = 0, size_t last = SIZE_MAX);

// "(28, 28, 1)", as Python prints it.
std::string to_string(const Dims& dims);

// NumPy's broadcasting of two shapes; throws std::invalid_argument where they do not fit.
Dims broadcast(const Dims& a, const Dims& b);

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

}  // namespace convnet
