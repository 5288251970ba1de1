"""Nadam."""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable

# 0.96 ** t is below float64's resolution of 1 from here on.
_CONSTANT_AFTER = 1000


class Nadam(Optimizer):
    """Nadam (Dozat, ICLR workshop 2016): Adam with Nesterov's momentum.

    In step t, with `u(t) = beta_1 * (1 - 0.96 ** t / 2)` and `p(t) = u(1) * ... * u(t)`: m and v as
    in Adam, `m_hat = u(t + 1) * m / (1 - p(t + 1)) + (1 - u(t)) * g / (1 - p(t))`,
    `w -= lr * m_hat / (sqrt(v / (1 - beta_2 ** t)) + epsilon)`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        beta_1: Decay of the average of gradients.
        beta_2: Decay of the average of their squares.
        epsilon: Added to the divisor.
        **kwargs: See `Optimizer`.

    Example:

    >>> Nadam().slot_names
    ('momentum', 'velocity')
    """

    kernel = "nadam"

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
        return (("momentum", "velocity"),)

    def kernel_attrs(self) -> dict[str, Any]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

    def build(self, variables: Sequence[Variable]) -> None:
        if not self.built:
            super().build(variables)
            self._add("variable", 1.0)

    @property
    def variables(self) -> list[Variable]:
        """As for every optimizer; last p(t), which Keras stores and which follows from t."""
        if self.built:
            product = momentum_product(self.beta_1, int(self.iterations))
            self._variables[-1].assign(np.float32(product))
        return super().variables

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        t = int(self.iterations) + 1
        m = self.slot("momentum", variable)
        v = self.slot("velocity", variable)
        m += (1.0 - self.beta_1) * (gradient - m)
        v += (1.0 - self.beta_2) * (np.square(gradient) - v)
        now, following = self._momentum_at(t), self._momentum_at(t + 1)
        product = momentum_product(self.beta_1, t)
        m_hat = following / (1.0 - product * following) * m
        m_hat += (1.0 - now) / (1.0 - product) * gradient
        v_hat = v / (1.0 - self.beta_2**t)
        variable._value -= learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)

    def _momentum_at(self, t: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96**t)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


def momentum_product(beta_1: float, t: int) -> float:
    """Gives p(t), the product of all momenta up to step t.

    Args:
        beta_1: Decay of the average of gradients.
        t: Number of the step, from 1.

    Example:

    >>> round(momentum_product(0.9, 1), 6)
    0.468
    """
    steps = np.arange(1, min(t, _CONSTANT_AFTER) + 1)
    return float(beta_1**t * np.prod(1.0 - 0.5 * 0.96**steps))
