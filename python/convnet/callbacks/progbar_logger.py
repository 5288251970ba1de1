"""The callback that shows progress."""

from __future__ import annotations

from typing import Any

from convnet.callbacks.callback import Callback, needed_when
from convnet.callbacks.logs import Logs
from convnet.utils.io_utils import print_msg
from convnet.utils.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows a progress bar; `fit`, `evaluate` and `predict` add one unless `verbose=0`.

    It is content with a call of its batch hooks every now and then.

    Example:

    >>> logger = ProgbarLogger()
    >>> logger.set_params({"verbose": 2, "epochs": 2, "steps": 3})
    >>> logger.on_train_begin()
    >>> logger.on_epoch_begin(0)
    Epoch 1/2
    >>> logger.on_epoch_end(0, {"loss": 0.5})  # doctest: +ELLIPSIS
    3/3 - 0s - ...s/step - loss: 0.5000
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.progbar = Progbar(None)
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._called_in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives `verbose` (0, 1, 2 or `"auto"`), `epochs` and `steps`."""
        super().set_params(params)
        self.verbose = 1 if params["verbose"] == "auto" else int(params["verbose"])
        self.epochs = params["epochs"]
        self.target = params["steps"]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Silences the validation that `fit` runs."""
        self._called_in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Lets a later `evaluate` be seen."""
        self._called_in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Starts the epoch's bar, under a title if there are several epochs."""
        self._start()
        if self.verbose and self.epochs > 1:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Starts the bar of `evaluate`."""
        if not self._called_in_fit:
            self._start()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Starts the bar of `predict`."""
        self._start()

    @needed_when(lambda logger: False)
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Moves the bar of `fit`."""
        self._update(batch, logs)

    @needed_when(lambda logger: False)
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Moves the bar of `evaluate`."""
        if not self._called_in_fit:
            self._update(batch, logs)

    @needed_when(lambda logger: False)
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Moves the bar of `predict`."""
        self._update(batch, None)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Ends the epoch's bar."""
        self._finish(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Ends the bar of `evaluate`."""
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Ends the bar of `predict`."""
        self._finish(logs)

    def _start(self) -> None:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _update(self, batch: int, logs: Logs | None) -> None:
        self.seen = batch + 1
        if self.verbose == 1:
            self.progbar.update(self.seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs: Logs | None) -> None:
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.target, (logs or {}).items(), finalize=True)
