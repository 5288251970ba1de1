"""The callback that stops training when a quantity no longer improves."""

from __future__ import annotations

import warnings
from typing import Any

from convnet.callbacks.logs import Logs
from convnet.callbacks.monitor_callback import MonitorCallback
from convnet.utils.io_utils import print_msg


class EarlyStopping(MonitorCallback):
    """Stops training when a quantity has stopped improving.

    Args:
        monitor: Name of the quantity, as in the logs.
        min_delta: The least change that counts as an improvement.
        patience: Number of epochs without improvement after which training stops.
        verbose: 0 (silent) or 1 (says so when it acts).
        mode: `"min"`, `"max"` or `"auto"`, as of the metric with this name.
        baseline: A value that must be improved on as well, or else training stops after
            `patience` epochs.
        restore_best_weights: Whether the model gets back the weights of its best epoch when
            training ends, whatever `baseline` says.
        start_from_epoch: Number of epochs to let pass first.

    Example:

    >>> import numpy as np
    >>> import convnet
    >>> model = convnet.Sequential([convnet.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> stop = EarlyStopping(monitor="loss", patience=2)
    >>> x = y = np.zeros((4, 1), "float32")
    >>> len(model.fit(x, y, epochs=9, callbacks=[stop], verbose=0).epoch)
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier training."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks at the quantity and may stop training."""
        self._set_monitor_op()
        current = self._monitor_value(logs or {})
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restores the best weights, if they are wanted."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_msg(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose > 0:
                print_msg(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)

    def _monitor_value(self, logs: Logs) -> float | None:
        value: float | None = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not "
                f"available. Available metrics are: {','.join(logs)}",
                stacklevel=3,
            )
        return value
