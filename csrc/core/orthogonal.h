// The orthogonal factor of a matrix, for initializers. Not from LAPACK: the threads of a BLAS take
// longer to wake up, on a busy machine much longer, than a layer's matrix takes here.
#pragma once

#include <cstdint>

namespace convnet {

// Makes the columns of a [m][n], m >= n, of full rank, orthonormal: the Q of its QR decomposition
// with a positive diagonal of R.
void orthonormalize(double* a, int64_t m, int64_t n);

}  // namespace convnet
