"""What happens to gradients before a step and to weights after it, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

Array = np.ndarray


def clip_norm(g: Array, limit: float, offsets: Sequence[int]) -> Array:
    """Each piece between two offsets scaled to a norm of at most `limit`."""
    result = g.copy()
    for begin, end in pairwise(offsets):
        norm = np.sqrt(np.sum(g[begin:end] ** 2))
        result[begin:end] *= limit / max(norm, limit)
    return result


def constrain(
    w: Array,
    kind: str,
    axes: tuple[int, ...] = (),
    min_value: float = 0.0,
    max_value: float = 2.0,
    rate: float = 1.0,
    epsilon: float = 1e-7,
) -> Array:
    """`w` with the norms over `axes` brought where `kind` wants them."""
    if kind == "non_neg":
        return np.maximum(w, 0)
    norm = np.sqrt(np.sum(w**2, axis=axes, keepdims=True))
    if kind == "unit_norm":
        return w / (norm + epsilon)
    wanted = np.clip(norm, min_value if kind == "min_max_norm" else 0.0, max_value)
    if kind == "min_max_norm":
        wanted = rate * wanted + (1 - rate) * norm
    return w * wanted / (norm + epsilon)
