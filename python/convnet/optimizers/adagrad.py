"""Adagrad."""

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable


class Adagrad(Optimizer):
    """Adagrad (Duchi et al., JMLR 2011): steps divided by the root of all squared gradients so far.

    `a += g * g`, `w -= lr * g / sqrt(a + epsilon)`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        initial_accumulator_value: What a starts with.
        epsilon: Added under the root.
        **kwargs: See `Optimizer`.

    Example:

    >>> Adagrad().initial_slot_value("accumulator")
    0.1
    """

    kernel = "adagrad"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulator",),)

    def initial_slot_value(self, name: str) -> float:
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def kernel_attrs(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon}

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        accumulator = self.slot("accumulator", variable)
        accumulator += np.square(gradient)
        variable._value -= learning_rate * gradient / np.sqrt(accumulator + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
