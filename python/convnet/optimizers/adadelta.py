"""Adadelta."""

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable


class Adadelta(Optimizer):
    """Adadelta (Zeiler, arXiv:1212.5701): steps in proportion to the steps made before.

    `a = rho * a + (1 - rho) * g * g`, `step = -g * sqrt(d + epsilon) / sqrt(a + epsilon)`,
    `d = rho * d + (1 - rho) * step * step`, `w += lr * step`. The paper has `lr = 1`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        rho: Decay of both averages.
        epsilon: Added under the roots.
        **kwargs: See `Optimizer`.

    Example:

    >>> Adadelta().slot_names
    ('accumulated_grad', 'accumulated_delta_var')
    """

    kernel = "adadelta"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulated_grad", "accumulated_delta_var"),)

    def kernel_attrs(self) -> dict[str, Any]:
        return {"rho": self.rho, "epsilon": self.epsilon}

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        squares = self.slot("accumulated_grad", variable)
        deltas = self.slot("accumulated_delta_var", variable)
        squares *= self.rho
        squares += (1.0 - self.rho) * np.square(gradient)
        step = -np.sqrt(deltas + self.epsilon) * gradient / np.sqrt(squares + self.epsilon)
        deltas *= self.rho
        deltas += (1.0 - self.rho) * np.square(step)
        variable._value += learning_rate * step

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
