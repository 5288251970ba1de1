"""Schedules that fall smoothly or in steps: exponential, inverse time, polynomial, piecewise."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from convnet.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    as_rate,
    check_steps,
)


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: Rate of step 0.
        decay_steps: Steps after which the rate is `decay_rate` times what it was.
        decay_rate: Factor.
        staircase: Whether the exponent is rounded down.
        name: Name of the schedule.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:

    >>> round(float(ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)), 6)
    0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> np.float32:
        periods = float(step) / self.decay_steps
        if self.staircase:
            periods = math.floor(periods)
        return as_rate(self.initial_learning_rate * self.decay_rate**periods)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: Rate of step 0.
        decay_steps: Steps of one period.
        decay_rate: What a period adds to the divisor.
        staircase: Whether periods are rounded down.
        name: Name of the schedule.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:

    >>> round(float(InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)(10)), 6)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> np.float32:
        periods = float(step) / self.decay_steps
        if self.staircase:
            periods = math.floor(periods)
        return as_rate(self.initial_learning_rate / (1.0 + self.decay_rate * periods))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class PolynomialDecay(LearningRateSchedule):
    """From `initial_learning_rate` to `end_learning_rate` in `decay_steps` steps.

    `(initial - end) * (1 - step / decay_steps) ** power + end`.

    Args:
        initial_learning_rate: Rate of step 0.
        decay_steps: Steps to the end.
        end_learning_rate: Rate at the end.
        power: Exponent, 1 for a straight line.
        cycle: Whether `decay_steps` is doubled, tripled, ... where it is passed; otherwise the
            rate stays.
        name: Name of the schedule.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:

    >>> round(float(PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)(5)), 6)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> np.float32:
        done, decay_steps = float(step), self.decay_steps
        if self.cycle:
            decay_steps *= math.ceil(done / decay_steps) or 1
        left = 1.0 - min(done, decay_steps) / decay_steps
        spread = self.initial_learning_rate - self.end_learning_rate
        return as_rate(spread * left**self.power + self.end_learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and including step `boundaries[i]`, the last value after the last.

    Args:
        boundaries: Steps, in increasing order.
        values: Learning rates, one more than there are boundaries.
        name: Name of the schedule.

    Raises:
        ValueError: If the lengths do not match.

    Example:

    >>> schedule = PiecewiseConstantDecay([100, 200], [0.5, 0.25, 0.125])
    >>> float(schedule(100)), float(schedule(101)), float(schedule(1000))
    (0.5, 0.25, 0.125)
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of "
                f"length {len(values)}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> np.float32:
        passed = sum(float(step) > boundary for boundary in self.boundaries)
        return as_rate(self.values[passed])

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
