"""The callback that lets an interrupted training go on where it was."""

from __future__ import annotations

import json
import os
import shutil

from convnet.callbacks.callback import Callback, needed_when
from convnet.callbacks.logs import Logs
from convnet.callbacks.save_interval import SaveFreq, SaveInterval, saves_on_batches
from convnet.saving.atomic_write import atomic_write


class BackupAndRestore(Callback):
    """Backs training up so that a `fit` that was interrupted goes on at the same epoch.

    After each epoch, or every so many batches, the weights, the optimizer's state and the
    number of the epoch are written into a folder. A later `fit` with the same folder starts
    from there; one that reaches its end deletes the backup.

    Args:
        backup_dir: The folder, of this callback alone.
        save_freq: `"epoch"`, or a number of batches. The epoch that was interrupted starts
            again at its first batch.
        double_checkpoint: Whether to keep the backup before the last one too, for the case
            that the last one turns out to be unreadable.
        delete_checkpoint: Whether to delete the backup when training has reached its end.

    Raises:
        ValueError: If `backup_dir` is empty or `save_freq` is wrong; at the start of `fit`,
            if the model is not built.
        OSError: At the start of `fit`, if there is a backup that cannot be read.

    Example:

    >>> BackupAndRestore("backup").save_freq
    'epoch'
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: SaveFreq = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                "Invalid value for argument `save_freq`. "
                f"Received: save_freq={save_freq}. "
                "Expected either 'epoch' or an integer value."
            )
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._weights_path = os.path.join(self.backup_dir, "latest.weights.h5")
        self._metadata_path = os.path.join(self.backup_dir, "training_metadata.json")
        self._interval = SaveInterval(save_freq)
        self._current_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Goes back to the backup, if there is one."""
        if not self.model.built:
            raise ValueError(
                "To use the BackupAndRestore callback, your model must be built before you "
                f"call `fit()`. Model {self.model} is unbuilt. You can build it beforehand by "
                "calling it on a batch of data."
            )
        try:
            self._restore()
        except (OSError, ValueError):
            if not os.path.exists(_previous(self._weights_path)):
                raise
            for path in (self._weights_path, self._metadata_path):
                shutil.copyfile(_previous(path), path)
            self._restore()

    @needed_when(saves_on_batches)
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Backs up if enough batches have passed."""
        if self._interval.is_due(batch):
            self._save(batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Backs up if epochs are what counts."""
        self._current_epoch = epoch + 1
        if self.save_freq == "epoch":
            self._save(0)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Deletes the backup, and the folder unless something else is in it."""
        if not self.delete_checkpoint or not os.path.isdir(self.backup_dir):
            return
        for path in (self._weights_path, self._metadata_path):
            for name in (path, _previous(path)):
                if os.path.exists(name):
                    os.remove(name)
        if not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)

    def _restore(self) -> None:
        if os.path.exists(self._weights_path):
            optimizer = self.model.optimizer
            if optimizer is not None and not optimizer.built:
                optimizer.build(self.model.trainable_variables)
            self.model.load_weights(self._weights_path)
        if os.path.exists(self._metadata_path):
            self.model._initial_epoch = self._current_epoch = _read_epoch(self._metadata_path)

    def _save(self, batch: int) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._metadata_path):
            for path in (self._weights_path, self._metadata_path):
                shutil.copyfile(path, _previous(path))
        self.model.save_weights(self._weights_path, overwrite=True)
        with atomic_write(self._metadata_path) as unfinished:
            unfinished.write_text(json.dumps({"epoch": self._current_epoch, "batch": batch}))


def _read_epoch(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        metadata = json.load(file)
    epoch = metadata.get("epoch") if isinstance(metadata, dict) else None
    if not isinstance(epoch, int) or epoch < 0:
        raise ValueError(f"Invalid backup {path}. Expected an epoch's number. Received: {metadata}")
    return epoch


def _previous(path: str) -> str:
    return f"{path}.bkp"
