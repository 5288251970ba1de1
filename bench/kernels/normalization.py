"""Softmax over classes, and batch normalisation over channels with or without batch statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from tests.cases.values import LOGITS, MAPS, NORMALIZED, ValueCase

from bench.kernels.kernel import Array, Builder, Kernel, normal, request, sized, traffic

EPSILON = 1e-3
ATTRS = {"epsilon": EPSILON}


def softmax(case: ValueCase) -> Iterator[Kernel]:
    x, dy = normal(case.batch, *case.shape), normal(case.batch, *case.shape, seed=1)

    def forward() -> Array:
        y = np.exp(x - x.max(axis=-1, keepdims=True))
        y /= y.sum(axis=-1, keepdims=True)
        return y

    y = forward()
    yield Kernel(
        f"{case.name} softmax forward",
        lambda g, x: g.add("softmax", [x], {"axis": -1}),
        forward,
        [x],
        moved=traffic(x, y),
        request=request("softmax", "forward", {}, x=x, y=dy),
    )
    yield Kernel(
        f"{case.name} softmax backward",
        lambda g, y, dy: g.add("softmax_backward", [y, dy], {"axis": -1}),
        lambda: y * (dy - (y * dy).sum(axis=-1, keepdims=True)),
        [y, dy],
        moved=traffic(x, y, dy),
        request=request("softmax", "backward", {}, x=x, y=dy),
    )


def normalised(x: Array, mean: Array, variance: Array) -> Array:
    """x [rows, C] with mean 0 and variance 1 of each channel."""
    return (x - mean) * (1 / np.sqrt(variance + np.float32(EPSILON)))


def batch_norm_train(x: Array, gamma: Array, beta: Array, dy: Array) -> Iterator[Kernel]:
    """Statistics of the batch, and gradients through them. Arrays of NumPy's: [rows, C]."""
    rows, dy_rows = (a.reshape(-1, a.shape[-1]) for a in (x, dy))
    moving = [np.zeros_like(gamma), np.ones_like(gamma)]

    def forward() -> Array:
        mean, variance = rows.mean(axis=0), rows.var(axis=0)
        return (normalised(rows, mean, variance) * gamma + beta).reshape(x.shape)

    mean, variance = rows.mean(axis=0), rows.var(axis=0)

    def backward() -> tuple[Array, Array, Array]:
        z = normalised(rows, mean, variance)
        dgamma, dbeta = np.einsum("nc,nc->c", z, dy_rows), dy_rows.sum(axis=0)
        dx = dy_rows - (dbeta + z * dgamma) / np.float32(len(rows))
        dx *= gamma / np.sqrt(variance + np.float32(EPSILON))
        return dx.reshape(x.shape), dgamma, dbeta

    def statistics(g, x, dy, gamma):
        moments = g.add("batch_norm_moments", [x])
        pixels = {"rows": x_pixels}
        return x, dy, gamma, *g.add("batch_norm_combine", moments, pixels)

    def gradients(g, x, dy, gamma, mean, variance):
        sums = g.add("batch_norm_backward_sums", [x, dy, mean, variance], ATTRS)
        totals = g.add("batch_norm_backward_combine", sums, {"rows": x_pixels})
        inputs = [x, dy, gamma, mean, variance, *totals]
        dx = g.add("batch_norm_backward_input", inputs, ATTRS)[0]
        return dx, totals[1], totals[0]

    x_pixels = len(rows) // len(x)
    yield Kernel(
        "batch_norm_train forward",
        lambda g, *ids: g.add("batch_norm_train", ids, ATTRS),
        forward,
        [x],
        [gamma, beta, *moving],
        moved=traffic(x, x, x),
        request=request("batch_norm", "forward", ATTRS, x=x, y=dy),
    )
    yield Kernel(
        "batch_norm_train backward",
        gradients,
        backward,
        [x, dy],
        [gamma],
        before=statistics,
        moved=traffic(x, dy, x, dy, x),
        request=request("batch_norm", "backward", ATTRS, x=x, y=dy),
    )


def batch_norm_inference(x: Array, gamma: Array, beta: Array) -> Kernel:
    mean, variance = normal(len(gamma), seed=4), normal(len(gamma), seed=5) ** 2

    def numpy() -> Array:
        scale = gamma / np.sqrt(variance + np.float32(EPSILON))
        return x * scale + (beta - mean * scale)

    return Kernel(
        "batch_norm_inference forward",
        lambda g, *ids: g.add("batch_norm_inference", ids, ATTRS),
        numpy,
        [x],
        [gamma, beta, mean, variance],
        moved=traffic(x, x),
        request=request("batch_norm_inference", "forward", ATTRS, x=x),
    )


def batch_norm(case: ValueCase) -> Iterator[Kernel]:
    x, dy = normal(case.batch, *case.shape), normal(case.batch, *case.shape, seed=1)
    gamma, beta = (normal(case.shape[-1], seed=s) for s in (2, 3))
    for kernel in (*batch_norm_train(x, gamma, beta, dy), batch_norm_inference(x, gamma, beta)):
        yield replace(kernel, name=f"{case.name} {kernel.name}")


def kernels(batch: int | None = None) -> list[Builder]:
    return [
        *(partial(softmax, case) for case in sized(LOGITS, batch)),
        *(partial(batch_norm, case) for case in sized([*MAPS, *NORMALIZED], batch)),
    ]
