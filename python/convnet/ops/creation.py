"""Arrays made of nothing, and conversions between tensors and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet.dtype_policies import standardize_dtype
from convnet.ops.arithmetic import add, multiply, not_equal
from convnet.ops.elementary import cast
from convnet.symbolic import KerasTensor
from convnet.tracing import GraphTensor
from convnet.variables import Variable


def zeros(shape: Any, dtype: Any = None) -> np.ndarray:
    """An array of zeros.

    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return np.zeros(shape, standardize_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> np.ndarray:
    """An array of ones.

    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return np.ones(shape, standardize_dtype(dtype))


def full(shape: Any, fill_value: float, dtype: Any = None) -> np.ndarray:
    """An array of one value.

    >>> full((2,), 3.0).tolist()
    [3.0, 3.0]
    """
    return np.full(shape, fill_value, standardize_dtype(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> np.ndarray:
    """An array with ones on a diagonal.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(N, M, k, standardize_dtype(dtype))


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: Any = None
) -> np.ndarray:
    """Numbers from `start` up to but not including `stop`.

    >>> arange(3).tolist()
    [0, 1, 2]
    """
    values = np.arange(start) if stop is None else np.arange(start, stop, step)
    default = "float32" if values.dtype.kind == "f" else "int32"
    return values.astype(default if dtype is None else standardize_dtype(dtype))


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """A tensor of zeros with the shape of `x`.

    >>> zeros_like([1.0, 2.0]).tolist()
    [0.0, 0.0]
    """
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Any:
    """A tensor of ones with the shape of `x`.

    >>> ones_like([1.0, 2.0]).tolist()
    [1.0, 1.0]
    """
    return full_like(x, 1, dtype)


def full_like(x: Any, fill_value: float, dtype: Any = None) -> Any:
    """A tensor of one value with the shape of `x`.

    >>> full_like([1.0, 2.0], 3).tolist()
    [3.0, 3.0]
    """
    if not isinstance(x, (GraphTensor, KerasTensor, Variable)):
        x = np.asarray(x)
        kind = "float32" if dtype is None and x.dtype.kind == "f" else dtype or x.dtype
        return np.full(x.shape, fill_value, standardize_dtype(kind))
    zeros = multiply(not_equal(x, x), 0.0)  # zero for any x, even if x is not a number
    result = add(zeros, float(fill_value)) if fill_value else zeros
    return result if dtype is None else cast(result, dtype)


def shape(x: Any) -> tuple[int | None, ...]:
    """The shape; None for the batch while a computation is traced.

    >>> shape([[1.0, 2.0]])
    (1, 2)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim(x: Any) -> int:
    """The number of axes, counting the batch."""
    return len(shape(x))


def is_tensor(x: Any) -> bool:
    """Whether `x` is an array or a tensor of a trace."""
    return isinstance(x, (np.ndarray, GraphTensor))


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None) -> Any:
    """`x` as an array, or itself if it is a tensor already."""
    if isinstance(x, (GraphTensor, KerasTensor)):
        return x if dtype is None else cast(x, dtype)
    if dtype is None:
        given = np.asarray(x)
        dtype = "float32" if given.dtype.kind == "f" else given.dtype
    return np.asarray(x, dtype=standardize_dtype(dtype))


def convert_to_numpy(x: Any) -> np.ndarray:
    """`x` as a NumPy array."""
    return np.asarray(x)
