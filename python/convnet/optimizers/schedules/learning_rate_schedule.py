"""What every learning-rate schedule has in common."""

from typing import Any, Self

import numpy as np


class LearningRateSchedule:
    """Base of all schedules: `__call__(step)` gives the learning rate of a step.

    Example:

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 * 0.5 ** float(step)
    >>> Halving()(2)
    0.025
    """

    def __call__(self, step: Any) -> Any:
        """Gives the learning rate of a step.

        Args:
            step: Number of steps done before, 0 or more.
        """
        raise NotImplementedError(
            f"Learning rate schedule '{self.__class__.__name__}' must override "
            "`__call__(self, step)`."
        )

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the schedule, ready for JSON."""
        raise NotImplementedError(
            f"Learning rate schedule '{self.__class__.__name__}' must override `get_config()` in "
            "order to be serializable."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Builds a schedule from `get_config`'s dict."""
        return cls(**config)


def check_steps(value: float, name: str = "decay_steps") -> None:
    """Checks a number of steps.

    Args:
        value: The number.
        name: Name of the argument, for the error.

    Raises:
        ValueError: If it is not positive.
    """
    if value <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value}")


def as_rate(value: float) -> np.float32:
    """Gives a learning rate as float32, in which the optimizers compute."""
    return np.float32(value)
