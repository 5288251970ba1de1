"""The callback that saves the model as training goes on."""

from __future__ import annotations

import os
import warnings

from convnet.callbacks.callback import needed_when
from convnet.callbacks.logs import Logs
from convnet.callbacks.monitor_callback import MonitorCallback
from convnet.callbacks.save_interval import SaveFreq, SaveInterval, saves_on_batches
from convnet.utils.io_utils import print_msg


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after each epoch or every so many batches.

    Args:
        filepath: Where to save, with placeholders: `{epoch}` (from 1), `{batch}` (from 1,
            where batches are counted) and any name of the logs, such as
            `"{epoch:02d}-{val_loss:.2f}.keras"`. Ends in `.keras` or `.h5`, or in
            `.weights.h5` with `save_weights_only`. Missing folders are made.
        monitor: Name of the quantity by which models are compared.
        verbose: 0 (silent) or 1 (says so when it acts).
        save_best_only: Whether to save only a model that is better than those before.
        save_weights_only: Whether to save weights only.
        mode: `"min"`, `"max"` or `"auto"`, as of the metric with this name.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: A value of the quantity that the first saved model must
            improve on already.

    Raises:
        ValueError: If the name's ending or `save_freq` is wrong.
        KeyError: During training, if `filepath` names something that the logs lack.
        OSError: During training, if the file cannot be written.

    Example:

    >>> ModelCheckpoint("best.keras", monitor="val_accuracy", save_best_only=True).filepath
    'best.keras'
    >>> ModelCheckpoint("best.weights.h5", save_weights_only=True).filepath
    'best.weights.h5'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: SaveFreq = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Unrecognized save_freq: {save_freq}. "
                "Expected save_freq are 'epoch' or integer values"
            )
        self._check_ending()
        self._interval = SaveInterval(save_freq)
        self._current_epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the epoch."""
        self._current_epoch = epoch

    @needed_when(saves_on_batches)
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Saves if enough batches have passed."""
        if self._interval.is_due(batch):
            self._save(self._current_epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves if epochs are what counts."""
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _check_ending(self) -> None:
        if self.save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                "When using `save_weights_only=True` in `ModelCheckpoint`, the filepath "
                "provided must end in `.weights.h5` (Keras weights format). Received: "
                f"filepath={self.filepath}"
            )
        if not self.filepath.endswith((".keras", ".h5")):
            raise ValueError(
                "The filepath provided must end in `.keras` (Keras model format). Received: "
                f"filepath={self.filepath}"
            )

    def _save(self, epoch: int, logs: Logs) -> None:
        filepath = self._format_path(epoch, logs)
        if not self._should_save(epoch, logs, filepath):
            return
        if os.path.isdir(filepath):
            raise OSError(
                "Please specify a non-directory filepath for ModelCheckpoint. Filepath used "
                f"is an existing directory: {filepath}"
            )
        os.makedirs(os.path.dirname(filepath) or ".", exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(filepath, overwrite=True)
        self._say(epoch, f"finished saving model to {filepath}")

    def _should_save(self, epoch: int, logs: Logs, filepath: str) -> bool:
        if not self.save_best_only:
            self._say(epoch, f"saving model to {filepath}")
            return True
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(f"Can save best model only with {self.monitor} available.", stacklevel=2)
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {best}")
            return False
        improvement = f"{self.monitor} improved from {best} to {current:.5f}"
        self._say(epoch, f"{improvement}, saving model to {filepath}")
        self.best = current
        return True

    def _format_path(self, epoch: int, logs: Logs) -> str:
        try:
            return self.filepath.format(**{"epoch": epoch + 1, **logs})
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}'
            ) from None

    def _say(self, epoch: int, message: str) -> None:
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: {message}")
