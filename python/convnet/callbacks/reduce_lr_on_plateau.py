"""The callback that lowers the learning rate when a quantity no longer improves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from convnet.callbacks.learning_rate_scheduler import current_learning_rate
from convnet.callbacks.logs import Logs
from convnet.callbacks.monitor_callback import MonitorCallback
from convnet.utils.io_utils import print_msg


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a quantity has stopped improving.

    The epoch's logs gain an entry `learning_rate`.

    Args:
        monitor: Name of the quantity, as in the logs.
        factor: What the learning rate is multiplied by, less than 1.
        patience: Number of epochs without improvement after which it is.
        verbose: 0 (silent) or 1 (says so when it acts).
        mode: `"min"`, `"max"` or `"auto"`, as of the metric with this name.
        min_delta: The least change that counts as an improvement.
        cooldown: Number of epochs to let pass after a reduction.
        min_lr: The least learning rate.
        **kwargs: Ignored, for programs that pass arguments of earlier Keras versions.

    Raises:
        ValueError: If `factor` is 1 or more.

    Example:

    >>> reduce = ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=5, min_lr=1e-5)
    >>> reduce.factor
    0.2
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}"
            )
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier training."""
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks at the quantity and may lower the learning rate."""
        self._set_monitor_op()
        logs = {} if logs is None else logs
        logs["learning_rate"] = current_learning_rate(self.model.optimizer)
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is "
                f"not available. Available metrics are: {','.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def in_cooldown(self) -> bool:
        """Says whether epochs after a reduction are still to pass.

        Example:

        >>> ReduceLROnPlateau().in_cooldown()
        False
        """
        return self.cooldown_counter > 0

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        learning_rate = current_learning_rate(optimizer)
        if learning_rate <= np.float32(self.min_lr):
            return
        learning_rate = max(learning_rate * self.factor, self.min_lr)
        optimizer.learning_rate = learning_rate
        if self.verbose > 0:
            print_msg(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {learning_rate}."
            )
        self.cooldown_counter = self.cooldown
        self.wait = 0
