"""Reductions in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray

FORWARD: dict[str, Callable[..., Array]] = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "any": np.any,
    "all": np.all,
}
