"""Adam and its variant with weight decay."""

import math
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable


class Adam(Optimizer):
    """Adam (Kingma and Ba, ICLR 2015): steps scaled by averages of gradients and their squares.

    In step t: `m += (1 - beta_1) * (g - m)`, `v += (1 - beta_2) * (g * g - v)`,
    `w -= lr * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t) * m / (sqrt(v) + epsilon)`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        beta_1: Decay of the average of gradients.
        beta_2: Decay of the average of their squares.
        epsilon: Added to the divisor; the "epsilon hat" of the paper.
        amsgrad: Whether to divide by the largest v so far (Reddi et al., ICLR 2018).
        **kwargs: See `Optimizer`.

    Example:

    >>> Adam().slot_names
    ('momentum', 'velocity')
    """

    kernel = "adam"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        moments = ("momentum", "velocity")
        return (moments, ("velocity_hat",)) if self.amsgrad else (moments,)

    def kernel_attrs(self) -> dict[str, Any]:
        return {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        t = int(self.iterations) + 1
        m = self.slot("momentum", variable)
        v = self.slot("velocity", variable)
        m += (1.0 - self.beta_1) * (gradient - m)
        v += (1.0 - self.beta_2) * (np.square(gradient) - v)
        if self.amsgrad:
            largest = self.slot("velocity_hat", variable)
            np.maximum(largest, v, out=largest)
            v = largest
        alpha = float(learning_rate) * math.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)
        variable._value -= alpha * m / (np.sqrt(v) + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).

    Before each step `w -= w * weight_decay * lr`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        weight_decay: Weight decay.
        beta_1: See `Adam`.
        beta_2: See `Adam`.
        epsilon: See `Adam`.
        amsgrad: See `Adam`.
        **kwargs: See `Optimizer`.

    Raises:
        ValueError: If `weight_decay` is None.

    Example:

    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )
        if self.weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
