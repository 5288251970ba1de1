"""Functions of one number in float64, as Keras 3 defines them.

`KINKS` lists where a function's slope jumps: difference quotients are meaningless there.
`DOMAIN` lists functions that are not defined, or not tame, on all of [-8, 8].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray

erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softplus(x: Array) -> Array:
    return np.logaddexp(x, 0)


def relu(x: Array, alpha: float = 0, beta: float = math.inf, gamma: float = 0) -> Array:
    """`alpha`: slope below the threshold `gamma`; `beta`: largest value."""
    above = np.where(x > gamma, x, 0)
    if beta < math.inf:
        above = np.clip(above, 0, beta)
    return above - alpha * np.maximum(gamma - x, 0) if alpha else above


def elu(x: Array, alpha: float = 1) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def hard_sigmoid(x: Array) -> Array:
    return np.clip(x / 6 + 0.5, 0, 1)


def soft_shrink(x: Array, alpha: float = 0.5) -> Array:
    return np.sign(x) * np.maximum(np.abs(x) - alpha, 0)


def sparse_plus(x: Array) -> Array:
    return np.where(x <= -1, 0, np.where(x < 1, 0.25 * (x + 1) ** 2, x))


FORWARD: dict[str, Callable[..., Array]] = {
    "relu": relu,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x, alpha=0.2: np.where(x > 0, x, alpha * x),
    "elu": elu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "celu": lambda x, alpha=1.0: elu(x / alpha) * alpha,
    "gelu": lambda x, approximate=False: (
        gelu_tanh(x) if approximate else 0.5 * x * (1 + erf(x / np.sqrt(2)))
    ),
    "gelu_tanh": gelu_tanh,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "silu": lambda x: x * sigmoid(x),
    "hard_sigmoid": hard_sigmoid,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_silu": lambda x: x * hard_sigmoid(x),
    "hard_shrink": lambda x, alpha=0.5: np.where(np.abs(x) > alpha, x, 0),
    "soft_shrink": soft_shrink,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "squareplus": lambda x, alpha=4: (x + np.sqrt(x**2 + alpha)) / 2,
    "log_sigmoid": lambda x: -softplus(-x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": lambda x: np.clip(0.5 * (x + 1), 0, 1),
    "threshold": lambda x, alpha=0.0, beta=0.0: np.where(x > alpha, x, beta),
    "exp": np.exp,
    "exponential": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "square": np.square,
    "abs": np.abs,
    "negative": np.negative,
    "reciprocal": np.reciprocal,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "erf": erf,
    "clip": lambda x, alpha=-math.inf, beta=math.inf: np.clip(x, alpha, beta),
    "affine": lambda x, alpha=1.0, beta=0.0: alpha * x + beta,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "logical_not": lambda x: np.logical_not(x) * 1.0,
    "isnan": lambda x: np.isnan(x) * 1.0,
    "isinf": lambda x: np.isinf(x) * 1.0,
    "isfinite": lambda x: np.isfinite(x) * 1.0,
}

FLAT = {"sign", "floor", "ceil", "round", "logical_not", "isnan", "isinf", "isfinite"}

KINKS: dict[str, list[float]] = {
    "relu": [-1.5, 0, 0.5, 3],
    "relu6": [0, 6],
    "leaky_relu": [0],
    "selu": [0],
    "hard_sigmoid": [-3, 3],
    "hard_silu": [-3, 3],
    "hard_tanh": [-1, 1],
    "hard_shrink": [-0.5, 0.5],
    "soft_shrink": [-0.5, 0.5],
    "sparse_sigmoid": [-1, 1],
    "threshold": [0.5],
    "abs": [0],
    "clip": [-0.5, 2],
    "elu": [0],
}

DOMAIN: dict[str, tuple[float, float]] = {
    "log": (0.01, 8),
    "log1p": (-0.9, 8),
    "sqrt": (0.01, 8),
    "rsqrt": (0.1, 8),
    "reciprocal": (0.1, 8),
    "tan": (-1.4, 1.4),
}
