"""Kernels of the core against vectorised NumPy; see `__main__`.

A family's `kernels(batch)` yields them one by one; `batch` replaces the batch sizes of the named
shapes.
"""

from collections.abc import Callable, Iterator

from bench.kernels import (
    convolution,
    dense,
    elementwise,
    embedding,
    losses,
    normalization,
    optimizers,
    pooling,
    recurrent,
)
from bench.kernels.kernel import Kernel

FAMILIES: dict[str, Callable[..., Iterator[Kernel]]] = {
    "convolution": convolution.kernels,
    "dense": dense.kernels,
    "pooling": pooling.kernels,
    "recurrent": recurrent.kernels,
    "elementwise": elementwise.kernels,
    "normalization": normalization.kernels,
    "embedding": embedding.kernels,
    "losses": losses.kernels,
    "optimizers": optimizers.kernels,
}
