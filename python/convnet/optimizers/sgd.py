"""Stochastic gradient descent."""

from typing import Any, Unpack

from numpy.typing import NDArray

from convnet.optimizers.optimizer import LearningRate, Optimizer, SharedArguments
from convnet.variables import Variable


class SGD(Optimizer):
    """Gradient descent, with momentum or without.

    `w -= lr * g`, or with momentum `m = momentum * m - lr * g; w += m`, or with Nesterov's
    `w += momentum * m - lr * g` (Sutskever et al., ICML 2013).

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        momentum: Share of the last step that is made again, 0 to 1.
        nesterov: Whether to look ahead.
        **kwargs: See `Optimizer`.

    Raises:
        ValueError: If an argument is not valid.

    Example:

    >>> SGD(0.01, momentum=0.9).slot_names
    ('momentum',)
    """

    kernel = "sgd"

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not isinstance(momentum, float | int) or not 0 <= momentum <= 1:
            raise ValueError("`momentum` must be a float between [0, 1].")
        self.momentum = float(momentum)
        self.nesterov = nesterov

    @property
    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),) if self.momentum else ()

    def kernel_attrs(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "nesterov": self.nesterov}

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        step = -learning_rate * gradient
        if self.momentum:
            m = self.slot("momentum", variable)
            m *= self.momentum
            m += step
            step = self.momentum * m + step if self.nesterov else m
        variable._value += step

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
