"""Recording the core's functions of one and of two numbers, with NumPy's broadcasting."""

from __future__ import annotations

from typing import Any

from convnet.tracing import GraphTensor


def sample_axis(x: GraphTensor, axis: int) -> int:
    """`axis`, which counts the batch, as the core counts it.

    Raises:
        ValueError: if it is out of bounds or the batch axis.
    """
    where = normalised_axis(x, axis)
    if x.batched and where == 0:
        raise ValueError(
            "This op cannot work along the batch axis while a computation is traced. "
            f"Received: axis={axis} for a tensor of shape {x.shape}"
        )
    return where - x.batched


def normalised_axis(x: GraphTensor, axis: int) -> int:
    """`axis` counted from the front.

    Raises:
        ValueError: if it is out of bounds.
    """
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis {axis} is out of bounds for a tensor of shape {x.shape}.")
    return axis % x.ndim


def result_dtype(*tensors: GraphTensor) -> str:
    """What the numbers of an arithmetic result mean: float32 unless all operands are whole."""
    kinds = {tensor.dtype for tensor in tensors}
    if kinds == {"bool"}:
        return "bool"
    return "int32" if kinds <= {"bool", "int32"} else "float32"


def unary(x: GraphTensor, fn: str, dtype: str = "float32", **parameters: float) -> Any:
    """Record one of the core's functions of one number."""
    return x.trace.one("unary", [x], dtype, fn=fn, **parameters)


def binary(x1: GraphTensor, x2: GraphTensor, fn: str, dtype: str | None = None) -> Any:
    """Record one of the core's functions of two numbers, with NumPy's broadcasting."""
    first, second = aligned(x1, x2), aligned(x2, x1)
    return x1.trace.one("binary", [first, second], dtype or result_dtype(x1, x2), fn=fn)


def aligned(x: GraphTensor, other: GraphTensor) -> GraphTensor:
    """`x` without the axis of size 1 that meets the batch axis of `other`.

    Raises:
        ValueError: if another axis of `x` would meet the batch.
    """
    if not other.batched or (x.batched and x.ndim == other.ndim):
        return x
    if not x.batched and x.ndim < other.ndim:
        return x
    if x.batched or x.ndim > other.ndim or x.shape[0] != 1:
        raise ValueError(
            "Cannot broadcast: another axis would meet the batch axis. "
            f"Received shapes {x.shape} and {other.shape}."
        )
    return x.trace.one("reshape", [x], x.dtype, shape=list(x.shape[1:]))
