"""Activation functions under the names that layers and saved models use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convnet import identifiers, ops


def linear(x: Any) -> Any:
    """`x` itself.

    >>> linear(2.0)
    2.0
    """
    return x


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """`max(x, 0)`, or a variant of it.

    Args:
        x: Tensor.
        negative_slope: Factor of what lies below the threshold.
        max_value: Largest value, or None.
        threshold: Below it, the result is `negative_slope * (x - threshold)`.

    >>> relu([-1.0, 0.5, 9.0], max_value=6.0).tolist()
    [0.0, 0.5, 6.0]
    """
    if threshold:
        below = negative_slope * (x - threshold)
        x = ops.where(ops.greater(x, threshold), x, below)
    elif negative_slope:
        x = ops.leaky_relu(x, negative_slope=negative_slope)
    elif max_value == 6:
        return ops.relu6(x)
    else:
        x = ops.relu(x)
    return x if max_value is None else ops.minimum(x, max_value)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """`x` where it is positive, `negative_slope * x` elsewhere.

    >>> leaky_relu([-1.0, 9.0], negative_slope=0.5).tolist()
    [-0.5, 9.0]
    """
    return ops.leaky_relu(x, negative_slope=negative_slope)


def relu6(x: Any) -> Any:
    """`min(max(x, 0), 6)`."""
    return ops.relu6(x)


def softmax(x: Any, axis: int = -1) -> Any:
    """`exp(x)` divided by its sum along an axis.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return ops.softmax(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of `softmax`."""
    return ops.log_softmax(x, axis=axis)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where it is positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015)."""
    return ops.elu(x, alpha=alpha)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """`max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))` (Barron 2017)."""
    return ops.celu(x, alpha=alpha)


def selu(x: Any) -> Any:
    """`1.0507 * elu(x, 1.67326)`, which keeps mean and variance (Klambauer et al. 2017)."""
    return ops.selu(x)


def gelu(x: Any, approximate: bool = False) -> Any:
    """`x` times the normal distribution function of `x` (Hendrycks, Gimpel 2016).

    Args:
        x: Tensor.
        approximate: Whether to use the form with tanh.
    """
    return ops.gelu(x, approximate=approximate)


def glu(x: Any, axis: int = -1) -> Any:
    """The first half of `x` along an axis times the sigmoid of the second (Dauphin et al. 2016)."""
    return ops.glu(x, axis=axis)


def softplus(x: Any) -> Any:
    """`log(1 + exp(x))`."""
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """`x / (1 + |x|)`."""
    return ops.softsign(x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` moved towards zero by `threshold`, zero where it would pass it."""
    return ops.soft_shrink(x, threshold=threshold)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` where its absolute value is above `threshold`, zero elsewhere."""
    return ops.hard_shrink(x, threshold=threshold)


def sparse_plus(x: Any) -> Any:
    """0 up to -1, `x` from 1 on, `(x + 1)^2 / 4` between (Martins, Astudillo 2016)."""
    return ops.sparse_plus(x)


def silu(x: Any) -> Any:
    """`x * sigmoid(x)`, also called swish (Ramachandran et al. 2017)."""
    return ops.silu(x)


def hard_silu(x: Any) -> Any:
    """`x * hard_sigmoid(x)` (Howard et al. 2019)."""
    return ops.hard_silu(x)


def squareplus(x: Any, b: float = 4) -> Any:
    """`(x + sqrt(x^2 + b)) / 2` (Barron 2021)."""
    return ops.squareplus(x, b=b)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh(x)


def tanh_shrink(x: Any) -> Any:
    """`x - tanh(x)`."""
    return ops.tanh_shrink(x)


def hard_tanh(x: Any) -> Any:
    """`clip(x, -1, 1)`."""
    return ops.hard_tanh(x)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` where it is above `threshold`, `default_value` elsewhere."""
    return ops.threshold(x, threshold, default_value)


def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`.

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    return ops.sigmoid(x)


def hard_sigmoid(x: Any) -> Any:
    """`clip(x / 6 + 1 / 2, 0, 1)`."""
    return ops.hard_sigmoid(x)


def log_sigmoid(x: Any) -> Any:
    """`log(sigmoid(x))`."""
    return ops.log_sigmoid(x)


def sparse_sigmoid(x: Any) -> Any:
    """`clip((x + 1) / 2, 0, 1)` (Martins, Astudillo 2016)."""
    return ops.sparse_sigmoid(x)


def exponential(x: Any) -> Any:
    """e to the power of `x`."""
    return ops.exp(x)


def mish(x: Any) -> Any:
    """`x * tanh(softplus(x))` (Misra 2019)."""
    return ops.mish(x)


swish = silu
hard_swish = hard_silu

_FUNCTIONS = (
    celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh, leaky_relu,
    linear, log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu, soft_shrink, softmax,
    softplus, softsign, sparse_plus, sparse_sigmoid, squareplus, tanh, tanh_shrink, threshold,
)  # fmt: skip
ALL_OBJECTS_DICT = identifiers.table_of(_FUNCTIONS, {"swish": silu, "hard_swish": hard_silu})


def serialize(activation: Callable[..., Any]) -> Any:
    """The name of an activation function, or the JSON form of a custom one.

    >>> serialize(relu)
    'relu'
    """
    name = getattr(activation, "__name__", "")
    if ALL_OBJECTS_DICT.get(name) is activation:
        return name
    return identifiers.serialize(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation function of a name or of a JSON form.

    Raises:
        ValueError: if there is none of that name.
    """
    return identifiers.deserialize(config, ALL_OBJECTS_DICT, custom_objects)


def get(identifier: Any) -> Callable[..., Any]:
    """An activation function from a name, a JSON form, a function or None (linear).

    Raises:
        ValueError: if there is none of that name.

    >>> get("tanh") is tanh and get(None) is linear
    True
    """
    found = identifiers.resolve(identifier, ALL_OBJECTS_DICT, "activation function")
    return linear if found is None else found
