"""Where the batches of an epoch come from: arrays in memory, or a source that yields them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convnet.random import draw_seed
from convnet.training.data_adapter import Arrays, BatchSource, warn_out_of_data

# Steps planned ahead for one call of the core: each has its row of scalars (learning rate, ...).
_MOST_STEPS = 4096

Runner = Callable[[Arrays, np.ndarray, int, int], int]


class ArrayFeed:
    """Batches of arrays in memory, in order or shuffled anew for each round.

    Args:
        data: The arrays.
        batch_size: Samples of a batch; the last one may be smaller.
        shuffle: Whether to shuffle.
        steps: Batches of an epoch; by default all of them. With a number given, an epoch goes on
            where the one before stopped.
    """

    def __init__(
        self, data: Arrays, batch_size: int, shuffle: bool = False, steps: int | None = None
    ) -> None:
        self.data = data
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.limit = steps
        self.batches = -(-data.samples // batch_size)
        self._order: np.ndarray | None = None
        self._next = 0

    @property
    def steps(self) -> int | None:
        """Batches of an epoch."""
        return self.limit or self.batches

    def example(self) -> Arrays:
        """Data of the shapes that all batches have."""
        return self.data

    def _begin(self) -> np.ndarray:
        if self._order is None or self.limit is None or self._next >= self.batches:
            if self.shuffle:
                generator = np.random.Generator(np.random.Philox(key=draw_seed().astype(np.uint64)))
                self._order = generator.permutation(self.data.samples)
            else:
                self._order = np.arange(self.data.samples)
            self._next = 0
        return self._order

    def restart(self) -> None:
        """Let the next epoch start with the first batch."""
        self._order = None

    def run_epoch(self, run: Runner, each: bool, stopped: Callable[[], bool]) -> int:
        """Hand the batches of one epoch to `run`.

        Args:
            run: Called with data, rows, batch size and index of the first step; gives the number
                of steps done.
            each: Whether to hand over one batch at a time.
            stopped: Asked after each call whether to end the epoch early.

        Returns:
            Number of batches.
        """
        order = self._begin()
        total, done = self.steps or self.batches, 0
        while done < total:
            if self._next >= self.batches:
                warn_out_of_data()
                break
            count = 1 if each else min(total - done, self.batches - self._next, _MOST_STEPS)
            start = self._next * self.batch_size
            rows = order[start : start + count * self.batch_size]
            finished = run(self.data, rows, self.batch_size, done)
            done += finished
            self._next += finished
            if stopped():
                break
        return done


class SourceFeed:
    """Batches that a generator or another source yields.

    Args:
        source: The batches.
        convert: Makes `Arrays` of what the source yields.
        steps: Batches of an epoch; by default until the source ends.
    """

    def __init__(
        self, source: BatchSource, convert: Callable[[Any], Arrays], steps: int | None = None
    ) -> None:
        self.source = source
        self.convert = convert
        self.limit = steps
        self._ahead: list[Arrays] = []

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, if known."""
        return self.limit or self.source.length

    def example(self) -> Arrays:
        """The first batch, which the first epoch then starts with."""
        if not self._ahead:
            self.source.begin_epoch(fresh=False)
            self._ahead.append(self._next())
        return self._ahead[0]

    def _next(self) -> Arrays:
        try:
            return self.convert(self.source.next_batch())
        except StopIteration:
            raise ValueError("The data source did not yield a single batch.") from None

    def restart(self) -> None:
        """Let the next epoch start with the first batch, where the source can do that."""
        if not self._ahead and self.source.length is not None:
            self.source.begin_epoch(fresh=True)

    def run_epoch(self, run: Runner, each: bool, stopped: Callable[[], bool]) -> int:
        """Hand the batches of one epoch to `run`; see `ArrayFeed.run_epoch`."""
        if not self._ahead:
            self.source.begin_epoch(fresh=self.limit is None)
        done = 0
        while self.limit is None or done < self.limit:
            try:
                batch = self._ahead.pop() if self._ahead else self.convert(self.source.next_batch())
            except StopIteration:
                if self.limit is not None:
                    warn_out_of_data()
                    self.source.begin_epoch(fresh=True)
                break
            run(batch, np.arange(batch.samples), batch.samples, done)
            done += 1
            if stopped():
                break
        self.source.end_epoch()
        return done
