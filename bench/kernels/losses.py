"""Cross-entropies of logits, and their gradients for the logits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from tests.cases.values import LOGITS, ValueCase

from bench.kernels.kernel import Array, Builder, Kernel, normal, request, sized, traffic


def _exponentials(x: Array) -> tuple[Array, Array, Array]:
    """Logits less the largest of their row, their exponentials, and the sums of those."""
    shifted = x - x.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return shifted, exponentials, exponentials.sum(axis=-1, keepdims=True)


def softmax_crossentropy(x: Array, targets: Array) -> Array:
    shifted, _, total = _exponentials(x)
    return np.einsum("nc,nc->n", targets, np.log(total) - shifted)


def softmax_crossentropy_backward(x: Array, targets: Array, dy: Array) -> Array:
    _, exponentials, total = _exponentials(x)
    exponentials *= targets.sum(axis=-1, keepdims=True) / total
    exponentials -= targets
    exponentials *= dy[:, None]
    return exponentials


def sparse_softmax_crossentropy(x: Array, labels: Array) -> Array:
    shifted, _, total = _exponentials(x)
    return np.log(total[:, 0]) - shifted[np.arange(len(x)), labels]


def sparse_softmax_crossentropy_backward(x: Array, labels: Array, dy: Array) -> Array:
    _, exponentials, total = _exponentials(x)
    exponentials /= total
    exponentials[np.arange(len(x)), labels] -= 1
    exponentials *= dy[:, None]
    return exponentials


def sigmoid_crossentropy(x: Array, targets: Array) -> Array:
    return np.maximum(x, 0) - x * targets + np.log1p(np.exp(-np.abs(x)))


def sigmoid_crossentropy_backward(x: Array, targets: Array, dy: Array) -> Array:
    return (1 / (1 + np.exp(-x)) - targets) * dy


NUMPY = {
    "softmax_crossentropy": (softmax_crossentropy, softmax_crossentropy_backward),
    "sparse_softmax_crossentropy": (
        sparse_softmax_crossentropy,
        sparse_softmax_crossentropy_backward,
    ),
    "sigmoid_crossentropy": (sigmoid_crossentropy, sigmoid_crossentropy_backward),
}


def crossentropy(op: str, case: ValueCase) -> Iterator[Kernel]:
    forward, backward = NUMPY[op]
    logits = normal(case.batch, *case.shape)
    labels = np.random.default_rng(1).integers(0, case.shape[0], case.batch)
    truth = labels if op.startswith("sparse") else np.eye(case.shape[0], dtype=np.float32)[labels]
    y = forward(logits, truth)
    dy = normal(*y.shape, seed=2)
    yield Kernel(
        f"{case.name} {op} forward",
        lambda g, *ids: g.add(op, ids),
        lambda: forward(logits, truth),
        [logits, truth],
        moved=traffic(logits, truth, y),
        request=request(op, "forward", {}, x=logits, labels=truth, y=dy),
    )
    yield Kernel(
        f"{case.name} {op} backward",
        lambda g, *ids: g.add(f"{op}_backward", ids),
        lambda: backward(logits, truth, dy),
        [logits, truth, dy],
        moved=traffic(logits, truth, dy, logits),
        request=request(op, "backward", {}, x=logits, labels=truth, y=dy),
    )


def kernels(batch: int | None = None) -> list[Builder]:
    return [partial(crossentropy, op, case) for case in sized(LOGITS, batch) for op in NUMPY]
