"""The callback that sets the learning rate by a function of the epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convnet.callbacks.callback import Callback
from convnet.callbacks.logs import Logs
from convnet.utils.io_utils import print_msg


def current_learning_rate(optimizer: Any) -> float:
    """Returns an optimizer's learning rate as the update rule sees it, in single precision.

    Args:
        optimizer: The optimizer.

    Raises:
        ValueError: If the optimizer has no learning rate.

    Example:

    >>> from types import SimpleNamespace
    >>> current_learning_rate(SimpleNamespace(learning_rate=0.001))
    0.0010000000474974513
    """
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError('Optimizer must have a "learning_rate" attribute.')
    return float(np.float32(optimizer.learning_rate))


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch.

    The epoch's logs gain an entry `learning_rate`.

    Args:
        schedule: Function of the epoch's index (from 0) and the current learning rate that
            returns the new one as a float. A function of the epoch alone will do.
        verbose: 0 (silent) or 1 (prints each new learning rate).

    Raises:
        ValueError: During training, if `schedule` returns something other than a float.

    Example:

    >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> halve.schedule(1, 0.5)
    0.25
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Sets the learning rate."""
        optimizer = self.model.optimizer
        learning_rate = self._scheduled(epoch, current_learning_rate(optimizer))
        optimizer.learning_rate = learning_rate
        if self.verbose > 0:
            print_msg(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to "
                f"{learning_rate}."
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the learning rate in the logs."""
        if logs is not None:
            logs["learning_rate"] = current_learning_rate(self.model.optimizer)

    def _scheduled(self, epoch: int, current: float) -> float:
        try:
            learning_rate = self.schedule(epoch, current)
        except TypeError:
            learning_rate = self.schedule(epoch)
        if not isinstance(learning_rate, float | np.float32):
            raise ValueError(
                f"The output of the `schedule` function should be a float. Got: {learning_rate}"
            )
        return learning_rate
