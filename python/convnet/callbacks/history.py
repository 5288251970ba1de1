"""The callback that remembers an epoch's losses and metrics."""

from __future__ import annotations

from convnet.callbacks.callback import Callback
from convnet.callbacks.logs import Logs


class History(Callback):
    """Remembers the logs of each epoch; `fit` adds one and returns it.

    Attributes:
        history: A list of values, one an epoch, by name. Names are in alphabetical order,
            `learning_rate` last where a callback changes it.
        epoch: Indices of the epochs.
        params: Dictionary with `verbose`, `epochs` and `steps`.

    Example:

    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"accuracy": 0.9, "loss": 0.5})
    >>> history.history
    {'accuracy': [0.9], 'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets the indices of earlier epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
