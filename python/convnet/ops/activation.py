"""The activation functions of neural networks."""

from __future__ import annotations

from typing import Any

from convnet.ops.operation import NN, NUMPY, operation
from convnet.ops.record import binary, unary
from convnet.ops.shape import split


@operation(NN)
def relu(x: Any) -> Any:
    """`max(x, 0)`.

    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return unary(x, "relu")


@operation(NN)
def relu6(x: Any) -> Any:
    """`min(max(x, 0), 6)`.

    >>> relu6([-1.0, 9.0]).tolist()
    [0.0, 6.0]
    """
    return unary(x, "relu6")


@operation(NN)
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """`x` where it is positive, `negative_slope * x` elsewhere.

    >>> leaky_relu([-1.0, 9.0], negative_slope=0.5).tolist()
    [-0.5, 9.0]
    """
    return unary(x, "leaky_relu", alpha=float(negative_slope))


@operation(NN)
def elu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where it is positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015).

    >>> elu([0.0, 9.0]).tolist()
    [0.0, 9.0]
    """
    return unary(x, "elu", alpha=float(alpha))


@operation(NN)
def selu(x: Any) -> Any:
    """`1.0507 * elu(x, 1.67326)`, which keeps mean and variance (Klambauer et al. 2017).

    >>> selu([0.0]).tolist()
    [0.0]
    """
    return unary(x, "selu")


@operation(NN)
def celu(x: Any, alpha: float = 1.0) -> Any:
    """`max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))` (Barron 2017).

    >>> celu([0.0, 3.0]).tolist()
    [0.0, 3.0]
    """
    return unary(x, "celu", alpha=float(alpha))


@operation(NN)
def gelu(x: Any, approximate: bool = True) -> Any:
    """`x` times the normal distribution function of `x`, or its tanh form (Hendrycks, Gimpel 2016).

    >>> gelu([0.0], approximate=False).tolist()
    [0.0]
    """
    return unary(x, "gelu_tanh" if approximate else "gelu")


@operation(NN)
def glu(x: Any, axis: int = -1) -> Any:
    """The first half of `x` along `axis` times the sigmoid of the second (Dauphin et al. 2016).

    >>> glu([2.0, 0.0]).tolist()
    [1.0]
    """
    first, second = split(x, 2, axis=axis)
    return binary(first, unary(second, "sigmoid"), "multiply")


@operation(NN)
def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`.

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    result = unary(x, "sigmoid")
    result._logits = ("sigmoid", x)
    return result


@operation(NN)
def hard_sigmoid(x: Any) -> Any:
    """`clip(x / 6 + 1 / 2, 0, 1)`.

    >>> hard_sigmoid([-9.0, 0.0, 9.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return unary(x, "hard_sigmoid")


@operation(NN)
def log_sigmoid(x: Any) -> Any:
    """`log(sigmoid(x))`, exact for large negative numbers.

    >>> log_sigmoid([-50.0]).tolist()
    [-50.0]
    """
    return unary(x, "log_sigmoid")


@operation(NN)
def sparse_sigmoid(x: Any) -> Any:
    """`clip((x + 1) / 2, 0, 1)` (Martins, Astudillo 2016).

    >>> sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return unary(x, "sparse_sigmoid")


@operation(NUMPY)
def tanh(x: Any) -> Any:
    """The hyperbolic tangent.

    >>> tanh([0.0]).tolist()
    [0.0]
    """
    return unary(x, "tanh")


@operation(NN)
def hard_tanh(x: Any) -> Any:
    """`clip(x, -1, 1)`.

    >>> hard_tanh([-3.0, 0.5]).tolist()
    [-1.0, 0.5]
    """
    return unary(x, "hard_tanh")


@operation(NN)
def tanh_shrink(x: Any) -> Any:
    """`x - tanh(x)`.

    >>> tanh_shrink([0.0]).tolist()
    [0.0]
    """
    return unary(x, "tanh_shrink")


@operation(NN)
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` moved towards zero by `threshold`, zero where it would pass it.

    >>> soft_shrink([-2.0, 0.25, 2.0]).tolist()
    [-1.5, 0.0, 1.5]
    """
    return unary(x, "soft_shrink", alpha=float(threshold))


@operation(NN)
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` where its absolute value is above `threshold`, zero elsewhere.

    >>> hard_shrink([-2.0, 0.25, 2.0]).tolist()
    [-2.0, 0.0, 2.0]
    """
    return unary(x, "hard_shrink", alpha=float(threshold))


@operation(NN)
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` where it is above `threshold`, `default_value` elsewhere.

    >>> threshold([1.0, 3.0], 2.0, 0.5).tolist()
    [0.5, 3.0]
    """
    return unary(x, "threshold", alpha=float(threshold), beta=float(default_value))


@operation(NN)
def softplus(x: Any) -> Any:
    """`log(1 + exp(x))`.

    >>> softplus([50.0]).tolist()
    [50.0]
    """
    return unary(x, "softplus")


@operation(NN)
def softsign(x: Any) -> Any:
    """`x / (1 + |x|)`.

    >>> softsign([-1.0]).tolist()
    [-0.5]
    """
    return unary(x, "softsign")


@operation(NN)
def sparse_plus(x: Any) -> Any:
    """0 up to -1, `x` from 1 on, `(x + 1)^2 / 4` between (Martins, Astudillo 2016).

    >>> sparse_plus([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.25, 2.0]
    """
    return unary(x, "sparse_plus")


@operation(NN)
def squareplus(x: Any, b: float = 4) -> Any:
    """`(x + sqrt(x^2 + b)) / 2` (Barron 2021).

    >>> squareplus([0.0], b=4).tolist()
    [1.0]
    """
    return unary(x, "squareplus", alpha=float(b))


@operation(NN)
def silu(x: Any) -> Any:
    """`x * sigmoid(x)`, also called swish (Ramachandran et al. 2017).

    >>> silu([0.0]).tolist()
    [0.0]
    """
    return unary(x, "silu")


@operation(NN)
def hard_silu(x: Any) -> Any:
    """`x * hard_sigmoid(x)` (Howard et al. 2019).

    >>> hard_silu([-3.0, 3.0]).tolist()
    [0.0, 3.0]
    """
    return unary(x, "hard_silu")


@operation(NN)
def mish(x: Any) -> Any:
    """`x * tanh(softplus(x))` (Misra 2019).

    >>> mish([0.0]).tolist()
    [0.0]
    """
    return unary(x, "mish")


swish = silu
hard_swish = hard_silu
