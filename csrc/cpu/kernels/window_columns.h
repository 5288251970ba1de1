// Loops that the compiler unrolls over the columns of a window.
#pragma once

#include <type_traits>

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

// go(a constant) for a window of 1 to 5 columns.
template <class Go>
CONVNET_INLINE auto with_columns(int64_t columns, Go go) {
  switch (columns) {
    case 1:
      return go(std::integral_constant<int, 1>{});
    case 2:
      return go(std::integral_constant<int, 2>{});
    case 3:
      return go(std::integral_constant<int, 3>{});
    case 4:
      return go(std::integral_constant<int, 4>{});
    default:
      return go(std::integral_constant<int, 5>{});
  }
}

}  // namespace convnet::CONVNET_ISA
