"""Batch normalisation over the last axis, in float64."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and biased variance of each channel."""
    axes = tuple(range(x.ndim - 1))
    return x.mean(axis=axes), x.var(axis=axes)


def normalise(
    x: Array, gamma: Array | None, beta: Array | None, mean: Array, var: Array, epsilon: float
) -> Array:
    y = (x - mean) / np.sqrt(var + epsilon)
    return y * (1.0 if gamma is None else gamma) + (0.0 if beta is None else beta)


def normalise_batch(x: Array, gamma: Array | None, beta: Array | None, epsilon: float) -> Array:
    return normalise(x, gamma, beta, *moments(x), epsilon)


def normalise_batch_backward(
    x: Array, gamma: Array | None, dy: Array, epsilon: float
) -> tuple[Array, Array, Array]:
    """Gradients of x, gamma and beta."""
    mean, var = moments(x)
    axes = tuple(range(x.ndim - 1))
    z = (x - mean) / np.sqrt(var + epsilon)
    scale = (1.0 if gamma is None else gamma) / np.sqrt(var + epsilon)
    dx = scale * (dy - dy.mean(axis=axes) - z * (dy * z).mean(axis=axes))
    return dx, (dy * z).sum(axis=axes), dy.sum(axis=axes)
