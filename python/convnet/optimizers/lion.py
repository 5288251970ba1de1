"""Lion."""

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable


class Lion(Optimizer):
    """Lion (Chen et al., arXiv:2302.06675): the sign of an average of gradients.

    `w -= lr * sign(beta_1 * m + (1 - beta_1) * g)`, `m = beta_2 * m + (1 - beta_2) * g`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        beta_1: Share of m in the step, above 0.
        beta_2: Decay of m.
        **kwargs: See `Optimizer`.

    Raises:
        ValueError: If an argument is not valid.

    Example:

    >>> Lion().slot_names
    ('momentum',)
    """

    kernel = "lion"

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if beta_1 <= 0 or beta_1 > 1:
            raise ValueError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer "
                f"degenerates to SignSGD. Received: beta_1={beta_1}."
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),)

    def kernel_attrs(self) -> dict[str, Any]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2}

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        m = self.slot("momentum", variable)
        variable._value -= learning_rate * np.sign(self.beta_1 * m + (1.0 - self.beta_1) * gradient)
        m *= self.beta_2
        m += (1.0 - self.beta_2) * gradient

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
