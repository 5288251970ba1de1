"""Functions of two tensors, element by element: arithmetic, comparison, logic."""

from __future__ import annotations

from typing import Any

from convnet.ops.operation import operation
from convnet.ops.record import aligned, binary, result_dtype


@operation(tensors=2)
def add(x1: Any, x2: Any) -> Any:
    """`x1 + x2`, broadcast.

    >>> float(add(1.0, 2.0))
    3.0
    """
    return binary(x1, x2, "add")


@operation(tensors=2)
def subtract(x1: Any, x2: Any) -> Any:
    """`x1 - x2`, broadcast.

    >>> float(subtract(1.0, 2.0))
    -1.0
    """
    return binary(x1, x2, "subtract")


@operation(tensors=2)
def multiply(x1: Any, x2: Any) -> Any:
    """`x1 * x2`, broadcast.

    >>> float(multiply(3.0, 2.0))
    6.0
    """
    return binary(x1, x2, "multiply")


@operation(tensors=2)
def divide(x1: Any, x2: Any) -> Any:
    """`x1 / x2`, broadcast.

    >>> float(divide(3.0, 2.0))
    1.5
    """
    return binary(x1, x2, "divide", "float32")


@operation(tensors=2)
def true_divide(x1: Any, x2: Any) -> Any:
    """`x1 / x2`, broadcast; the same as `divide`."""
    return binary(x1, x2, "divide", "float32")


@operation(tensors=2)
def floor_divide(x1: Any, x2: Any) -> Any:
    """The largest whole number not above `x1 / x2`.

    >>> float(floor_divide(-3.0, 2.0))
    -2.0
    """
    return binary(x1, x2, "floor_divide")


@operation(tensors=2)
def mod(x1: Any, x2: Any) -> Any:
    """The remainder of `floor_divide`, with the sign of `x2`.

    >>> float(mod(-3.0, 2.0))
    1.0
    """
    return binary(x1, x2, "mod")


@operation(tensors=2)
def power(x1: Any, x2: Any) -> Any:
    """`x1` to the power of `x2`, broadcast.

    >>> float(power(3.0, 2.0))
    9.0
    """
    return binary(x1, x2, "power")


@operation(tensors=2)
def maximum(x1: Any, x2: Any) -> Any:
    """The larger of two numbers, broadcast.

    >>> float(maximum(3.0, 2.0))
    3.0
    """
    return binary(x1, x2, "maximum")


@operation(tensors=2)
def minimum(x1: Any, x2: Any) -> Any:
    """The smaller of two numbers, broadcast.

    >>> float(minimum(3.0, 2.0))
    2.0
    """
    return binary(x1, x2, "minimum")


@operation(tensors=2)
def equal(x1: Any, x2: Any) -> Any:
    """Whether two numbers are equal, broadcast.

    >>> bool(equal(3, 2))
    False
    """
    return binary(x1, x2, "equal", "bool")


@operation(tensors=2)
def not_equal(x1: Any, x2: Any) -> Any:
    """Whether two numbers differ, broadcast.

    >>> bool(not_equal(3, 2))
    True
    """
    return binary(x1, x2, "not_equal", "bool")


@operation(tensors=2)
def less(x1: Any, x2: Any) -> Any:
    """Whether `x1 < x2`, broadcast.

    >>> bool(less(3, 2))
    False
    """
    return binary(x1, x2, "less", "bool")


@operation(tensors=2)
def less_equal(x1: Any, x2: Any) -> Any:
    """Whether `x1 <= x2`, broadcast.

    >>> bool(less_equal(2, 2))
    True
    """
    return binary(x1, x2, "less_equal", "bool")


@operation(tensors=2)
def greater(x1: Any, x2: Any) -> Any:
    """Whether `x1 > x2`, broadcast.

    >>> bool(greater(3, 2))
    True
    """
    return binary(x1, x2, "greater", "bool")


@operation(tensors=2)
def greater_equal(x1: Any, x2: Any) -> Any:
    """Whether `x1 >= x2`, broadcast.

    >>> bool(greater_equal(2, 2))
    True
    """
    return binary(x1, x2, "greater_equal", "bool")


@operation(tensors=2)
def logical_and(x1: Any, x2: Any) -> Any:
    """Whether both numbers are other than zero.

    >>> bool(logical_and(True, False))
    False
    """
    return binary(x1, x2, "logical_and", "bool")


@operation(tensors=2)
def logical_or(x1: Any, x2: Any) -> Any:
    """Whether one of two numbers is other than zero.

    >>> bool(logical_or(True, False))
    True
    """
    return binary(x1, x2, "logical_or", "bool")


@operation(tensors=3)
def where(condition: Any, x1: Any, x2: Any) -> Any:
    """`x1` where `condition` is other than zero, `x2` elsewhere; all three are broadcast.

    >>> where([True, False], 1.0, [2.0, 3.0]).tolist()
    [1.0, 3.0]
    """
    widest = max((condition, x1, x2), key=lambda x: (x.batched, x.ndim))
    operands = [aligned(x, widest) if x is not widest else x for x in (condition, x1, x2)]
    return condition.trace.one("where", operands, result_dtype(x1, x2))
