"""Dense layers and products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tests.cases.dense import BENCH, MATMUL, DenseCase, MatmulCase

from bench.kernels import aims
from bench.kernels.kernel import Builder, Kernel, normal, request, sized
from bench.kernels.limits import with_cached
from convnet import config

ALONE = ("head", "emotion_dense", "alexnet_dense1")


def dense(case: DenseCase) -> Iterator[Kernel]:
    """Forward, gradient for the input and gradient for the weights."""
    x, w = normal(case.batch, case.inputs), normal(case.inputs, case.units, seed=1)
    dy = normal(case.batch, case.units, seed=2)

    def backward_weight(g, x, dy):
        rows = dy if config.gpu() >= 0 else g.add("lanes_to_rows", [dy])[0]
        return g.add("dense_backward_weight", [x, rows], {"units": case.units})

    def kernel(direction, *arguments):
        return Kernel(
            f"{case.name} {direction}",
            *arguments,
            flops=2.0 * x.size * case.units,
            aim=aims.dense(case.batch, case.inputs, case.units),
            request=request("dense", direction, {}, x=x, w=w, y=dy),
        )

    yield kernel("forward", lambda g, x, w: g.add("dense", [x, w, None]), lambda: x @ w, [x], [w])
    yield kernel(
        "backward_input",
        lambda g, dy, w: g.add("dense_backward_input", [dy, w]),
        lambda: dy @ w.T,
        [dy],
        [w],
    )
    yield kernel("backward_weight", backward_weight, lambda: x.T @ dy, [x, dy])


def in_cache(case: DenseCase) -> DenseCase:
    """A case of as many rows, up to 128, inputs and units, whose weights a cache holds."""
    inputs, units, batch = (min(n, 128) for n in (case.inputs, case.units, case.batch))
    return replace(case, inputs=inputs, units=units, batch=batch)


def of_one_sample(case: DenseCase) -> Iterator[Kernel]:
    """The forward pass with units in lanes, as predictions on a few samples run it."""
    forward = next(dense(replace(case, name=f"{case.name} of one sample", batch=1)))
    yield replace(forward, lanes=1, trains=False)


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
        request=request("matmul", "forward", {}, a=a, b=b),
    )


def kernels(batch: int | None = None) -> list[Builder]:
    return [
        *(with_cached(dense, case, in_cache(case)) for case in sized(BENCH, batch)),
        *(partial(of_one_sample, case) for case in BENCH if case.name in ALONE),
        *(partial(matmul, case) for case in sized(MATMUL, batch)),
    ]
