"""Sums, means, extremes and the like along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convnet.ops.operation import MATH, NN, operation
from convnet.ops.record import binary, normalised_axis, result_dtype, sample_axis, unary
from convnet.ops.shape import reshape
from convnet.tracing import GraphTensor

_AXIS = int | tuple[int, ...] | list[int] | None


def _reduce(x: GraphTensor, fn: str, axis: Any, keepdims: bool, dtype: str) -> GraphTensor:
    """Reduce over axes of one sample, then, where asked, over the samples."""
    given = range(x.ndim) if axis is None else np.atleast_1d(axis)
    axes = {normalised_axis(x, int(a)) for a in given}
    over_batch = x.batched and 0 in axes
    inner = [a - x.batched for a in sorted(axes) if not (over_batch and a == 0)]
    if inner:
        x = x.trace.one("reduce", [x], dtype, fn=fn, axes=inner, keepdims=bool(keepdims))
    if not over_batch:
        return x
    return _reduce_batch(x, fn, keepdims, dtype)


def _reduce_batch(x: GraphTensor, fn: str, keepdims: bool, dtype: str) -> GraphTensor:
    if fn not in ("sum", "mean"):
        raise ValueError(
            f"Cannot take the {fn} over the batch axis while a computation is traced: only `sum` "
            f"and `mean` can. Received a tensor of shape {x.shape}."
        )
    x = x.trace.one(f"batch_{fn}", [x], dtype)
    return x.trace.one("reshape", [x], dtype, shape=[1, *x.shape]) if keepdims else x


@operation()
def sum(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """The sum along axes, all by default.

    Args:
        x: Tensor.
        axis: Axis or axes, counting the batch.
        keepdims: Whether reduced axes stay, with size 1.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [3.0, 7.0]
    """
    return _reduce(x, "sum", axis, keepdims, "int32" if x.dtype == "bool" else result_dtype(x))


@operation()
def mean(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """The mean along axes, all by default; arguments as for `sum`.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [1.5, 3.5]
    """
    return _reduce(x, "mean", axis, keepdims, "float32")


@operation()
def var(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """The variance along axes, all by default; arguments as for `sum`.

    >>> float(var([1.0, 3.0]))
    1.0
    """
    centre = _reduce(x, "mean", axis, True, "float32")
    squares = unary(binary(x, centre, "subtract", "float32"), "square")
    return _reduce(squares, "mean", axis, keepdims, "float32")


@operation()
def std(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """The standard deviation along axes, all by default; arguments as for `sum`.

    >>> float(std([1.0, 5.0]))
    2.0
    """
    return unary(var(x, axis, keepdims), "sqrt")


@operation()
def max(x: Any, axis: _AXIS = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """The largest element along axes, all by default, and no less than `initial`.

    >>> max([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [2.0, 4.0]
    """
    result = _reduce(x, "max", axis, keepdims, result_dtype(x))
    return result if initial is None else binary(result, x.trace.constant(initial), "maximum")


@operation()
def min(x: Any, axis: _AXIS = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """The smallest element along axes, all by default, and no more than `initial`.

    >>> min([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [1.0, 3.0]
    """
    result = _reduce(x, "min", axis, keepdims, result_dtype(x))
    return result if initial is None else binary(result, x.trace.constant(initial), "minimum")


@operation()
def prod(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """The product along axes, all by default; arguments as for `sum`.

    >>> float(prod([2.0, 3.0]))
    6.0
    """
    return _reduce(x, "prod", axis, keepdims, result_dtype(x))


@operation()
def any(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """Whether one element along axes is other than zero; arguments as for `sum`.

    >>> bool(any([False, True]))
    True
    """
    return _reduce(x, "any", axis, keepdims, "bool")


@operation()
def all(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """Whether all elements along axes are other than zero; arguments as for `sum`.

    >>> bool(all([False, True]))
    False
    """
    return _reduce(x, "all", axis, keepdims, "bool")


def batch_size(x: GraphTensor) -> GraphTensor:
    """The number of samples of a batched tensor of a trace, as a single value."""
    first = x.trace.one(
        "slice", [reshape(x, (-1, math.prod(x.sample_shape)))], begin=[0], size=[1], strides=[1]
    )
    one = binary(binary(first, first, "not_equal"), x.trace.constant(1.0), "maximum", "float32")
    return x.trace.one("batch_sum", [x.trace.one("reshape", [one], shape=[])])


@operation()
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the largest element along an axis; the first of equals.

    >>> argmax([[1.0, 5.0], [4.0, 2.0]], axis=-1).tolist()
    [1, 0]
    """
    return _argument(x, "argmax", axis, keepdims)


@operation()
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the smallest element along an axis; the first of equals.

    >>> argmin([[1.0, 5.0], [4.0, 2.0]], axis=-1).tolist()
    [0, 1]
    """
    return _argument(x, "argmin", axis, keepdims)


def _argument(x: GraphTensor, op: str, axis: int | None, keepdims: bool) -> GraphTensor:
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    where = normalised_axis(x, axis)
    index = x.trace.one(op, [x], "int32", axis=sample_axis(x, axis))
    if not keepdims:
        return index
    sizes = list(x.sample_shape)
    sizes[where - x.batched] = 1
    return x.trace.one("reshape", [index], "int32", shape=sizes)


@operation()
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running sum along an axis.

    >>> cumsum([1.0, 2.0, 3.0], axis=0).tolist()
    [1.0, 3.0, 6.0]
    """
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    return x.trace.one("cumsum", [x], result_dtype(x), axis=sample_axis(x, axis))


@operation(MATH)
def logsumexp(x: Any, axis: _AXIS = None, keepdims: bool = False) -> Any:
    """`log(sum(exp(x)))` along axes without overflow; arguments as for `sum`.

    >>> float(logsumexp([1000.0]))
    1000.0
    """
    peak = _reduce(x, "max", axis, True, "float32")
    powers = unary(binary(x, peak, "subtract", "float32"), "exp")
    total = unary(_reduce(powers, "sum", axis, True, "float32"), "log")
    result = binary(total, peak, "add")
    return result if keepdims else _reduce(result, "sum", axis, False, "float32")


@operation(NN)
def softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """`exp(x)` divided by its sum along an axis.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    result = _along(x, "softmax", axis)
    if axis in (-1, x.ndim - 1):
        result._logits = ("softmax", x)
    return result


@operation(NN)
def log_softmax(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """The logarithm of `softmax`, exact for small probabilities.

    >>> log_softmax([0.0]).tolist()
    [0.0]
    """
    return _along(x, "log_softmax", axis)


def _along(x: GraphTensor, op: str, axis: Any) -> GraphTensor:
    """Apply an op of one axis along one or, by reshaping, several neighbouring last axes."""
    if isinstance(axis, int):
        return x.trace.one(op, [x], axis=sample_axis(x, axis))
    axes = sorted(normalised_axis(x, a) for a in axis)
    if axes != list(range(x.ndim - len(axes), x.ndim)):
        raise ValueError(
            f"`{op}` over several axes needs the last ones. Received: axis={axis} for a tensor "
            f"of shape {x.shape}."
        )
    kept = x.sample_shape[: len(x.sample_shape) - len(axes)]
    flat = x.trace.one("reshape", [x], shape=[*kept, int(np.prod(x.sample_shape[len(kept) :]))])
    result = x.trace.one(op, [flat], axis=len(kept))
    return x.trace.one("reshape", [result], shape=list(x.sample_shape))


amax, amin = max, min
