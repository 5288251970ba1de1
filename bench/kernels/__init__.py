"""Kernels of the core against vectorised NumPy; see `__main__`.

A family's `kernels(batch)` are builders: each makes the kernels of one case with their data;
`batch` replaces the batch sizes of the named shapes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bench.kernels import (
    convolution,
    dense,
    elementwise,
    embedding,
    losses,
    movement,
    normalization,
    optimizers,
    pooling,
    recurrent,
)
from bench.kernels.kernel import Builder, Kernel

FAMILIES: dict[str, Callable[..., list[Builder]]] = {
    "convolution": convolution.kernels,
    "dense": dense.kernels,
    "pooling": pooling.kernels,
    "recurrent": recurrent.kernels,
    "elementwise": elementwise.kernels,
    "normalization": normalization.kernels,
    "movement": movement.kernels,
    "embedding": embedding.kernels,
    "losses": losses.kernels,
    "optimizers": optimizers.kernels,
}


def select(family: str, names: list[str], batch: int | None = None) -> Iterator[Kernel]:
    """Kernels of a family that have one of `names` in theirs, or all of them without names.

    Only those are given their data.
    """
    everything = not names or family in names
    for sketch, build in zip(FAMILIES[family](1), FAMILIES[family](batch), strict=True):
        small = list(sketch())
        chosen = [everything or any(name in kernel.name for name in names) for kernel in small]
        if not any(chosen):
            continue
        for wanted, one, kernel in zip(chosen, small, build(), strict=True):
            if wanted:
                yield replace(kernel, sketch=replace(one, lanes=kernel.lanes))
