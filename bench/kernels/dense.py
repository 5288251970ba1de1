"""Dense layers and products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.cases.dense import BENCH, MATMUL, DenseCase, MatmulCase

from bench.kernels.kernel import Builder, Kernel, normal, sized


def dense(case: DenseCase) -> Iterator[Kernel]:
    """Forward, gradient for the input and gradient for the weights."""
    x, w = normal(case.batch, case.inputs), normal(case.inputs, case.units, seed=1)
    dy = normal(case.batch, case.units, seed=2)
    flops = 2.0 * x.size * case.units

    def backward_weight(g, x, dy):
        rows = g.add("lanes_to_rows", [dy])[0]
        return g.add("dense_backward_weight", [x, rows], {"units": case.units})

    yield Kernel(
        f"{case.name} forward",
        lambda g, x, w: g.add("dense", [x, w, None]),
        lambda: x @ w,
        [x],
        [w],
        flops=flops,
    )
    yield Kernel(
        f"{case.name} backward_input",
        lambda g, dy, w: g.add("dense_backward_input", [dy, w]),
        lambda: dy @ w.T,
        [dy],
        [w],
        flops=flops,
    )
    yield Kernel(
        f"{case.name} backward_weight", backward_weight, lambda: x.T @ dy, [x, dy], flops=flops
    )


def matmul(case: MatmulCase) -> Iterator[Kernel]:
    """A product of a matrix a sample with another, as in attention."""
    a = normal(case.batch, *case.stack, case.rows, case.inner)
    b = normal(case.batch, *case.stack, case.inner, case.columns, seed=1)
    yield Kernel(
        f"{case.name} matmul",
        lambda g, a, b: g.add("matmul", [a, b]),
        lambda: a @ b,
        [a, b],
        flops=2.0 * a.size * case.columns,
    )


def kernels(batch: int | None = None) -> list[Builder]:
    return [
        *(partial(dense, case) for case in sized(BENCH, batch)),
        *(partial(matmul, case) for case in sized(MATMUL, batch)),
    ]
