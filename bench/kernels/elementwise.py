"""Activations, sums and dropout, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from tests.cases.values import MAPS, ValueCase

from bench.kernels.kernel import (
    Array,
    Builder,
    Kernel,
    mask_of,
    normal,
    request,
    sized,
    traffic,
)

RATE = 0.5


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _elu_backward(x: Array, y: Array, dy: Array) -> Array:
    return np.where(x > 0, dy, (y + 1) * dy)


# Value, gradient from (x, y, dy), and which of x and y the core's gradient reads.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[..., Array], str]] = {
    "relu": (lambda x: np.maximum(x, 0), lambda x, y, dy: dy * (y > 0), "y"),
    "sigmoid": (_sigmoid, lambda x, y, dy: dy * y * (1 - y), "y"),
    "tanh": (np.tanh, lambda x, y, dy: dy * (1 - y * y), "y"),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), _elu_backward, "x"),
    "softplus": (lambda x: np.logaddexp(0, x), lambda x, y, dy: dy * _sigmoid(x), "x"),
}


def activation(fn: str, case: ValueCase) -> Iterator[Kernel]:
    value, gradient, source = ACTIVATIONS[fn]
    x, dy = normal(case.batch, *case.shape), normal(case.batch, *case.shape, seed=1)
    y = value(x)

    def backward(g, source_id, dy):
        inputs = [source_id, None, dy] if source == "x" else [None, source_id, dy]
        return g.add("unary_backward", inputs, {"fn": fn})

    yield Kernel(
        f"{case.name} {fn} forward",
        lambda g, x: g.add("unary", [x], {"fn": fn}),
        lambda: value(x),
        [x],
        moved=traffic(x, y),
        request=request(fn, "forward", {}, x=x, y=dy),
    )
    yield Kernel(
        f"{case.name} {fn} backward",
        backward,
        lambda: gradient(x, y, dy),
        [x if source == "x" else y, dy],
        moved=traffic(x, dy, y),
        request=request(fn, "backward", {}, x=x, y=dy),
    )


def addition(case: ValueCase) -> Iterator[Kernel]:
    a, b = normal(case.batch, *case.shape), normal(case.batch, *case.shape, seed=1)
    yield Kernel(
        f"{case.name} add",
        lambda g, a, b: g.add("binary", [a, b], {"fn": "add"}),
        lambda: a + b,
        [a, b],
        moved=traffic(a, b, a),
        request=request("add", "forward", {}, a=a, b=b),
    )


def dropout(case: ValueCase) -> Iterator[Kernel]:
    """Draws differ, so that of the forward pass only their number and scale are compared."""
    x, dy = normal(case.batch, *case.shape), normal(case.batch, *case.shape, seed=1)
    attrs, rng = {"rate": RATE, "seed": 1}, np.random.default_rng(0)

    def same_kind(a: Array, b: Array) -> bool:
        kept = a != 0
        return np.allclose(a[kept], x[kept] / (1 - RATE)) and abs(kept.mean() - RATE) < 0.1

    def keep_mask(g, x, dy):
        y = g.add("dropout", [x], attrs)[0]
        return x, dy, y, mask_of(y)

    def backward(g, x, dy, y, mask):
        return g.add("dropout_backward", [dy, mask], attrs)

    yield Kernel(
        f"{case.name} dropout forward",
        lambda g, x: g.add("dropout", [x], attrs),
        lambda: x * (rng.random(x.shape, dtype=np.float32) >= RATE) * (1 / (1 - RATE)),
        [x],
        moved=traffic(x, x),
        equal=same_kind,
        request=request("dropout", "forward", {"rate": RATE}, x=x, y=dy),
    )
    drawn = rng.random(x.shape, dtype=np.float32) >= RATE
    yield Kernel(
        f"{case.name} dropout backward",
        backward,
        lambda: dy * drawn * (1 / (1 - RATE)),
        [x, dy],
        before=keep_mask,
        moved=traffic(dy, dy),
        equal=lambda a, b: same_kind(a * x / dy, b),
        request=request("dropout", "backward", {"rate": RATE}, x=x, y=dy),
    )


def kernels(batch: int | None = None) -> list[Builder]:
    return [
        builder
        for case in sized(MAPS, batch)
        for builder in (
            *(partial(activation, fn, case) for fn in ACTIVATIONS),
            partial(addition, case),
            partial(dropout, case),
        )
    ]
