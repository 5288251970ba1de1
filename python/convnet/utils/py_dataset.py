"""Data sets that make their batches on demand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


class PyDataset:
    """Base of data sets that give a batch by its number.

    A subclass overrides `__getitem__`, and `__len__` or `num_batches`. `fit` takes the batches in
    random order unless told otherwise.

    Args:
        workers: Accepted for Keras's sake; batches are made between the steps.
        use_multiprocessing: Accepted for Keras's sake.
        max_queue_size: Accepted for Keras's sake.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> list(Squares())
    [(0, 0), (1, 1), (2, 4)]
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch of a number: `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""
        raise NotImplementedError

    @property
    def num_batches(self) -> int | None:
        """Number of batches; None if there is no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            "A PyDataset needs `__len__` or the `num_batches` property. "
            f"Received: {type(self).__name__}"
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called at the beginning of each epoch."""

    def on_epoch_end(self) -> None:
        """Called at the end of each epoch."""
