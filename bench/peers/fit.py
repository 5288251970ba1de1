"""Steps of `fit` and `predict_on_batch`, for every library with Keras's interface.

Training is timed by the epoch, over an epoch of repetitions of one batch, because that is how
users train: what a call of `fit` costs once does not count, what it costs each step does. The first
epoch of a call does not count either, unless it is a single step that fills the turn.
"""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import numpy as np

from bench import workloads
from bench.batches import Data, find
from bench.protocol import Loop, Measurable

EPOCH_SECONDS = (0.2, 0.5)
EPOCH_BYTES = 2e8
EPOCH_STEPS = 500


def epoch_timer(library: ModuleType) -> Any:
    """A callback that notes when each epoch begins and ends, and does not listen to batches."""

    class EpochTimer(library.callbacks.Callback):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(time.perf_counter() - self.start)

    return EpochTimer()


class Fit:
    """Training of a compiled model on one batch."""

    def __init__(self, library: ModuleType, model: Any, data: Data) -> None:
        self._library, self._model, self._batch = library, model, data
        self._size = len(data[0])
        self._epoch, self._steps, self._epoch_seconds = data, 1, 0.0

    def first(self) -> None:
        self._fit(self._batch, 1)

    def measure(self, seconds: float) -> list[float]:
        if not self._epoch_seconds:
            least, most = EPOCH_SECONDS
            for _ in range(2):
                self._choose_epoch(min(most, max(least, seconds)))
        epochs = max(1, min(50, round(seconds / self._epoch_seconds)))
        cold = 1 if self._steps > 1 or epochs > 1 else 0
        times = self._fit(self._epoch, cold + epochs)[cold:]
        return [time / self._steps * 1e3 for time in times]

    def _choose_epoch(self, seconds: float) -> None:
        step = min(self._fit(self._epoch, 2)) / self._steps
        bytes = sum(array.nbytes for array in self._batch)
        most = min(EPOCH_STEPS, EPOCH_BYTES / bytes)
        self._steps = max(1, int(min(seconds / step, most)))
        self._epoch_seconds = self._steps * step
        self._epoch = self._repeated()

    def _repeated(self) -> Data:
        x, y = (np.concatenate([array] * self._steps) for array in self._batch)
        return x, y

    def _fit(self, data: Data, epochs: int) -> list[float]:
        timer = epoch_timer(self._library)
        self._model.fit(
            *data,
            batch_size=self._size,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[timer],
        )
        seconds: list[float] = timer.seconds
        return seconds


def prepare(library: ModuleType, request: dict[str, Any]) -> Measurable:
    """The net of a request, compiled for training or ready to predict."""
    name, sizes = request["prepare"], request["sizes"]
    if request["device"] == "gpu" and request["precision"] == "bf16":
        library.config.set_dtype_policy("mixed_bfloat16")
    batch = find(name, sizes)
    model, data = workloads.build(name, sizes), batch.make(request["batch"])
    if request["mode"] == "inference":
        return Loop(lambda: model.predict_on_batch(data[0]))
    model.compile(**batch.compile)
    return Fit(library, model, data)
