"""Functions of two numbers in float64, with NumPy's conventions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray

FORWARD: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "power": np.power,
    "floor_divide": np.floor_divide,
    "mod": np.mod,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "keep_where": lambda a, b: np.where(a != 0, b, 0),
    "drop_where": lambda a, b: np.where(a != 0, 0, b),
}

DIFFERENTIABLE = {"add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "mod"}
