"""Functions of one tensor, element by element."""

from __future__ import annotations

from typing import Any

from convnet.dtype_policies import standardize_dtype
from convnet.ops.operation import CORE, MATH, operation
from convnet.ops.record import binary, result_dtype, unary
from convnet.tracing import GraphTensor


@operation()
def logical_not(x: Any) -> Any:
    """Whether a number is zero.

    >>> bool(logical_not(True))
    False
    """
    return unary(x, "logical_not", "bool")


@operation()
def clip(x: Any, x_min: float, x_max: float) -> Any:
    """`x` limited to the range from `x_min` to `x_max`.

    >>> clip([-1.0, 0.5, 3.0], 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    return unary(x, "clip", result_dtype(x), alpha=float(x_min), beta=float(x_max))


@operation(CORE)
def cast(x: Any, dtype: Any) -> Any:
    """`x` with another meaning of its numbers: whole numbers are cut towards zero.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    dtype = standardize_dtype(dtype)
    if dtype == "bool":
        return binary(x, x.trace.constant(0.0), "not_equal", "bool")
    if dtype.startswith(("int", "uint")) and x.dtype == "float32":
        return binary(unary(x, "sign"), unary(unary(x, "abs"), "floor"), "multiply", "int32")
    name = "int32" if dtype.startswith(("int", "uint")) else "float32"
    return GraphTensor(x.trace, x.id, name)


@operation()
def absolute(x: Any) -> Any:
    """The absolute value.

    >>> absolute([-1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    return unary(x, "abs", result_dtype(x))


@operation()
def negative(x: Any) -> Any:
    """`-x`.

    >>> negative([-1.0, 2.0]).tolist()
    [1.0, -2.0]
    """
    return unary(x, "negative", result_dtype(x))


@operation()
def sign(x: Any) -> Any:
    """-1, 0 or 1 by the sign of `x`.

    >>> sign([-3.0, 0.0, 2.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    return unary(x, "sign", result_dtype(x))


@operation()
def square(x: Any) -> Any:
    """`x * x`.

    >>> square([1.0, 3.0]).tolist()
    [1.0, 9.0]
    """
    return unary(x, "square", result_dtype(x))


@operation()
def sqrt(x: Any) -> Any:
    """The square root.

    >>> sqrt([1.0, 9.0]).tolist()
    [1.0, 3.0]
    """
    return unary(x, "sqrt")


@operation(MATH)
def rsqrt(x: Any) -> Any:
    """One divided by the square root.

    >>> rsqrt([1.0, 4.0]).tolist()
    [1.0, 0.5]
    """
    return unary(x, "rsqrt")


@operation()
def reciprocal(x: Any) -> Any:
    """`1 / x`.

    >>> reciprocal([1.0, 4.0]).tolist()
    [1.0, 0.25]
    """
    return unary(x, "reciprocal")


@operation()
def exp(x: Any) -> Any:
    """e to the power of `x`.

    >>> exp([0.0]).tolist()
    [1.0]
    """
    return unary(x, "exp")


@operation()
def expm1(x: Any) -> Any:
    """`exp(x) - 1`, exact near zero.

    >>> expm1([0.0]).tolist()
    [0.0]
    """
    return unary(x, "expm1")


@operation()
def log(x: Any) -> Any:
    """The natural logarithm.

    >>> log([1.0]).tolist()
    [0.0]
    """
    return unary(x, "log")


@operation()
def log1p(x: Any) -> Any:
    """`log(1 + x)`, exact near zero.

    >>> log1p([0.0]).tolist()
    [0.0]
    """
    return unary(x, "log1p")


@operation()
def sin(x: Any) -> Any:
    """The sine of an angle in radians.

    >>> sin([0.0]).tolist()
    [0.0]
    """
    return unary(x, "sin")


@operation()
def cos(x: Any) -> Any:
    """The cosine of an angle in radians.

    >>> cos([0.0]).tolist()
    [1.0]
    """
    return unary(x, "cos")


@operation()
def tan(x: Any) -> Any:
    """The tangent of an angle in radians.

    >>> tan([0.0]).tolist()
    [0.0]
    """
    return unary(x, "tan")


@operation(MATH)
def erf(x: Any) -> Any:
    """The error function: `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `x`.

    >>> erf([0.0]).tolist()
    [0.0]
    """
    return unary(x, "erf")


@operation()
def floor(x: Any) -> Any:
    """The largest whole number not above `x`.

    >>> floor([1.7, -1.2]).tolist()
    [1.0, -2.0]
    """
    return unary(x, "floor")


@operation()
def ceil(x: Any) -> Any:
    """The smallest whole number not below `x`.

    >>> ceil([1.2, -1.7]).tolist()
    [2.0, -1.0]
    """
    return unary(x, "ceil")


@operation()
def round(x: Any, decimals: int = 0) -> Any:
    """The nearest multiple of ten to the power of `-decimals`; halves go to the even one.

    >>> round([1.6, 2.5]).tolist()
    [2.0, 2.0]
    """
    if decimals == 0:
        return unary(x, "round", result_dtype(x))
    scale = x.trace.constant(10.0**decimals)
    return binary(unary(binary(x, scale, "multiply"), "round"), scale, "divide")


@operation()
def isnan(x: Any) -> Any:
    """Whether a number is not a number.

    >>> isnan([0.0, float("nan")]).tolist()
    [False, True]
    """
    return unary(x, "isnan", "bool")


@operation()
def isinf(x: Any) -> Any:
    """Whether a number is infinite.

    >>> isinf([0.0, float("inf")]).tolist()
    [False, True]
    """
    return unary(x, "isinf", "bool")


@operation()
def isfinite(x: Any) -> Any:
    """Whether a number is neither infinite nor undefined.

    >>> isfinite([0.0, float("nan"), float("inf")]).tolist()
    [True, False, False]
    """
    return unary(x, "isfinite", "bool")


abs = absolute
