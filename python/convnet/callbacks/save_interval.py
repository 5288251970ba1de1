"""When a callback that saves every so many batches is due."""

from __future__ import annotations

from typing import Any, Literal

SaveFreq = Literal["epoch"] | int


class SaveInterval:
    """Counts batches over the epochs.

    Args:
        freq: Number of batches between two saves; `"epoch"` or 0 for never.

    Example:

    >>> interval = SaveInterval(2)
    >>> [interval.is_due(batch) for batch in (0, 1, 2, 0)]
    [False, True, False, True]
    """

    def __init__(self, freq: SaveFreq) -> None:
        self.every = 0 if freq == "epoch" else int(freq)
        self._batches = 0
        self._last_batch = -1

    def is_due(self, batch: int) -> bool:
        """Counts the batches since the last call; says whether it is time to save.

        Args:
            batch: Index of the batch within its epoch.

        Example:

        >>> SaveInterval("epoch").is_due(0)
        False
        """
        if not self.every:
            return False
        starts_epoch = batch <= self._last_batch
        self._batches += batch + 1 if starts_epoch else batch - self._last_batch
        self._last_batch = batch
        if self._batches < self.every:
            return False
        self._batches = 0
        return True


def saves_on_batches(callback: Any) -> bool:
    """Says whether a callback with a `save_freq` needs its batch hook.

    Args:
        callback: The callback.

    Example:

    >>> from types import SimpleNamespace
    >>> saves_on_batches(SimpleNamespace(save_freq="epoch"))
    False
    """
    return bool(callback.save_freq) and callback.save_freq != "epoch"
