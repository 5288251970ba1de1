"""The callback that writes an epoch's losses and metrics into a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import Any, TextIO

from convnet.callbacks.callback import Callback
from convnet.callbacks.logs import Logs


class CSVLogger(Callback):
    """Writes one line an epoch into a CSV file.

    The columns are `epoch` and what the first epoch's logs name; a value that a later epoch
    does not have is written as `NA`.

    Args:
        filename: Path of the file.
        separator: What stands between two values.
        append: Whether to go on at the end of an existing file instead of replacing it.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
    >>> logger = CSVLogger(path)
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    >>> logger.on_train_end()
    >>> path.read_text().splitlines()
    ['epoch,loss,val_loss', '0,0.5,0.75']
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.append_header = True
        self.keys: list[str] | None = None
        self.csv_file: TextIO | None = None
        self.writer: csv.DictWriter[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Opens the file."""
        self._close()
        if self.append and os.path.exists(self.filename):
            self.append_header = os.path.getsize(self.filename) == 0
        self.csv_file = open(  # noqa: SIM115 (closed when training ends)
            self.filename, "a" if self.append else "w", newline=""
        )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes the epoch's line."""
        logs = logs or {}
        assert self.csv_file is not None, "on_train_begin has opened the file"
        if self.writer is None or self.keys is None:
            self.keys = _columns(logs)
            self.writer = csv.DictWriter(
                self.csv_file, fieldnames=["epoch", *self.keys], delimiter=self.sep
            )
            if self.append_header:
                self.writer.writeheader()
        row = {name: _cell(logs.get(name, "NA")) for name in self.keys}
        self.writer.writerow({"epoch": epoch, **row})
        self.csv_file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Closes the file."""
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = self.keys = None


def _columns(logs: Logs) -> list[str]:
    """Names of an epoch's logs, with room for a validation that only later epochs have."""
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _cell(value: Any) -> Any:
    is_list = isinstance(value, Iterable) and not isinstance(value, str)
    if is_list and getattr(value, "ndim", None) != 0:
        return f'"[{", ".join(map(str, value))}]"'
    return value
