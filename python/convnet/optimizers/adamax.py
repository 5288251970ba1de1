"""Adamax."""

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable


class Adamax(Optimizer):
    """Adamax (Kingma and Ba, ICLR 2015): Adam with the largest gradient for the mean square.

    In step t: `m += (1 - beta_1) * (g - m)`, `u = max(beta_2 * u, abs(g))`,
    `w -= lr * m / ((1 - beta_1 ** t) * (u + epsilon))`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        beta_1: Decay of the average of gradients.
        beta_2: Decay of the largest gradient.
        epsilon: Added to the divisor.
        **kwargs: See `Optimizer`.

    Example:

    >>> Adamax().slot_names
    ('momentum', 'norm')
    """

    kernel = "adamax"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "norm"),)

    def kernel_attrs(self) -> dict[str, Any]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        t = int(self.iterations) + 1
        m = self.slot("momentum", variable)
        norm = self.slot("norm", variable)
        m += (1.0 - self.beta_1) * (gradient - m)
        np.maximum(self.beta_2 * norm, np.abs(gradient), out=norm)
        variable._value -= learning_rate * m / ((1.0 - self.beta_1**t) * (norm + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
