"""Ops along one axis in float64."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def softmax(x: Array, axis: int) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x: Array, axis: int) -> Array:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


FORWARD = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "cumsum": np.cumsum,
    "argmax": np.argmax,
    "argmin": np.argmin,
}
