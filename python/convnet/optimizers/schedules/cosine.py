"""Schedules along a cosine (Loshchilov and Hutter, "SGDR", ICLR 2017)."""

import math
from typing import Any

import numpy as np

from convnet.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    as_rate,
    check_steps,
)


def _half_cosine(fraction: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * fraction))


class CosineDecay(LearningRateSchedule):
    """Half a cosine down to `alpha` times the rate, after an optional linear warm-up.

    Args:
        initial_learning_rate: Rate of step 0.
        decay_steps: Steps of the fall.
        alpha: Share of the rate that remains.
        name: Name of the schedule.
        warmup_target: Rate to rise to before the fall; None for no warm-up.
        warmup_steps: Steps of the rise.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:

    >>> round(float(CosineDecay(0.1, decay_steps=10)(5)), 6)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        check_steps(decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> np.float32:
        done, top = float(step), self.initial_learning_rate
        if self.warmup_target is not None:
            if done < self.warmup_steps:
                rise = (self.warmup_target - top) * done / self.warmup_steps
                return as_rate(top + rise)
            done, top = done - self.warmup_steps, self.warmup_target
        fraction = min(done, self.decay_steps) / self.decay_steps
        return as_rate(top * ((1.0 - self.alpha) * _half_cosine(fraction) + self.alpha))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after the other, each `t_mul` times longer and `m_mul` times higher.

    Args:
        initial_learning_rate: Rate of step 0.
        first_decay_steps: Steps of the first fall.
        t_mul: Factor of the length of the next.
        m_mul: Factor of the rate at the start of the next.
        alpha: Share of the first rate that remains at the end of a fall.
        name: Name of the schedule.

    Raises:
        ValueError: If `first_decay_steps` is not positive.

    Example:

    >>> schedule = CosineDecayRestarts(0.1, first_decay_steps=10)
    >>> round(float(schedule(5)), 6), round(float(schedule(10)), 6)
    (0.05, 0.1)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        check_steps(first_decay_steps, "first_decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> np.float32:
        restarts, fraction = self._position(float(step) / self.first_decay_steps)
        height = self._m_mul**restarts * _half_cosine(fraction)
        return as_rate(self.initial_learning_rate * ((1.0 - self.alpha) * height + self.alpha))

    def _position(self, periods: float) -> tuple[int, float]:
        """Turns first-period lengths passed into restarts so far and the part of the current."""
        if self._t_mul == 1.0:
            restarts = math.floor(periods)
            return restarts, periods - restarts
        growth = self._t_mul
        restarts = math.floor(math.log(1.0 - periods * (1.0 - growth)) / math.log(growth))
        passed = (1.0 - growth**restarts) / (1.0 - growth)
        return restarts, (periods - passed) / growth**restarts

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
