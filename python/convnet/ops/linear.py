"""Products of matrices and look-ups in tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet.ops.arithmetic import add, equal
from convnet.ops.elementary import cast
from convnet.ops.operation import NN, operation
from convnet.ops.shape import expand_dims, transpose


@operation(tensors=2)
def matmul(x1: Any, x2: Any) -> Any:
    """The product of two matrices, or of stacks of them.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    if x1.batched and not x2.batched and x2.ndim == 2:
        return x1.trace.one("dense", [x1, x2, None])
    if x1.batched and x2.batched and x1.ndim == 2 and x2.ndim == 2:
        raise ValueError(
            "Cannot multiply two batched matrices: the batch axis would be summed over. "
            f"Received shapes {x1.shape} and {x2.shape}."
        )
    return x1.trace.one("matmul", [x1, x2])


@operation(tensors=2)
def dot(x1: Any, x2: Any) -> Any:
    """The product of vectors or matrices.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    return matmul(x1, x2)


@operation(tensors=3)
def dense(x: Any, kernel: Any, bias: Any = None) -> Any:
    """`x @ kernel + bias` along the last axis.

    Args:
        x: Tensor whose last axis has the size of `kernel`'s first.
        kernel: Matrix of input size by output size.
        bias: Vector of output size, or None.

    >>> dense([[1.0, 2.0]], [[3.0], [4.0]], [0.5]).tolist()
    [[11.5]]
    """
    if x.batched:
        return x.trace.one("dense", [x, kernel, bias])
    product = matmul(x, kernel)
    return product if bias is None else add(product, bias)


@operation(tensors=2)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Rows of a table.

    Args:
        x: Table (weights or a constant); rows are taken along its first axis.
        indices: Whole numbers.
        axis: 0.

    >>> take([[1.0], [2.0]], [1, 1, 0], axis=0).tolist()
    [[2.0], [2.0], [1.0]]
    """
    if axis != 0 or x.batched:
        raise ValueError(
            "`take` works along axis 0 of a table that is the same for all samples. "
            f"Received: axis={axis}, x.shape={x.shape}"
        )
    return x.trace.one("embedding", [indices, x])


@operation(NN)
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Any:
    """Whole numbers as vectors with a one at their place.

    >>> one_hot([1, 0], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    classes = x.trace.constant(np.arange(num_classes))
    result = cast(equal(expand_dims(x, -1), classes), dtype or "float32")
    if axis in (-1, result.ndim - 1):
        return result
    order = list(range(result.ndim - 1))
    order.insert(axis % result.ndim, result.ndim - 1)
    return transpose(result, order)
