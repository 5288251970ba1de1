"""RMSprop."""

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): steps divided by a running root mean square of gradients.

    `v = rho * v + (1 - rho) * g * g`, `step = lr * g / sqrt(v + epsilon)`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        rho: Decay of the average of squares.
        momentum: Share of the last step that is made again.
        epsilon: Added under the root.
        centered: Whether to divide by the standard deviation instead: `v - a * a` for v, with a
            the average of gradients (Graves, arXiv:1308.0850).
        **kwargs: See `Optimizer`.

    Example:

    >>> RMSprop(momentum=0.9).slot_names
    ('velocity', 'momentum')
    """

    kernel = "rmsprop"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        groups: tuple[tuple[str, ...], ...] = (("velocity",),)
        if self.momentum > 0:
            groups += (("momentum",),)
        return (*groups, ("average_gradient",)) if self.centered else groups

    def kernel_attrs(self) -> dict[str, Any]:
        return {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        velocity = self.slot("velocity", variable)
        velocity *= self.rho
        velocity += (1.0 - self.rho) * np.square(gradient)
        variance = velocity
        if self.centered:
            average = self.slot("average_gradient", variable)
            average *= self.rho
            average += (1.0 - self.rho) * gradient
            variance = velocity - np.square(average)
        step = learning_rate * gradient / np.sqrt(variance + self.epsilon)
        if self.momentum > 0:
            momentum = self.slot("momentum", variable)
            momentum *= self.momentum
            momentum += step
            step = momentum
        variable._value -= step

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
