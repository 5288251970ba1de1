"""What is measured, apart from any framework: names, batch sizes, data, losses and optimizers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

Data = tuple[np.ndarray, np.ndarray]
MakeData = Callable[[np.random.Generator, int], Data]


@dataclass(frozen=True)
class Batch:
    """The batch that a net is trained on.

    Args:
        size: Samples of a step.
        data: Makes so many samples, as users of Keras hold them: `[N,H,W,C]` and one-hot labels.
        optimizer: Name of the optimizer, with its default settings.
        loss: Name of the loss.
    """

    size: int
    data: MakeData
    optimizer: str
    loss: str = "categorical_crossentropy"

    @property
    def compile(self) -> dict[str, str]:
        """The arguments of `model.compile`."""
        return {"optimizer": self.optimizer, "loss": self.loss}

    def make(self, size: int) -> Data:
        """So many samples, the same on every run; those of the last call are at hand."""
        return _make(self.data, size)


@lru_cache(maxsize=1)
def _make(data: MakeData, size: int) -> Data:
    return data(np.random.default_rng(0), size)


def images(size: int, channels: int, classes: int) -> MakeData:
    """Square images with one-hot labels."""

    def make(rng: np.random.Generator, n: int) -> Data:
        x = rng.random((n, size, size, channels), dtype=np.float32)
        return x, np.eye(classes, dtype=np.float32)[rng.integers(0, classes, n)]

    return make


def vectors(length: int, classes: int) -> MakeData:
    """Vectors with one-hot labels."""

    def make(rng: np.random.Generator, n: int) -> Data:
        x = rng.random((n, length), dtype=np.float32)
        return x, np.eye(classes, dtype=np.float32)[rng.integers(0, classes, n)]

    return make


def series(length: int, features: int = 1) -> MakeData:
    """Sequences with one number to predict."""

    def make(rng: np.random.Generator, n: int) -> Data:
        x = rng.random((n, length, features), dtype=np.float32)
        return x, rng.random((n, 1), dtype=np.float32)

    return make


def tokens(length: int, words: int, classes: int) -> MakeData:
    """Sequences of word numbers with labels: one-hot for two classes, 0 or 1 for one."""

    def make(rng: np.random.Generator, n: int) -> Data:
        x = rng.integers(0, words, (n, length))
        labels = rng.integers(0, 2, n)
        y = np.eye(classes, dtype=np.float32)[labels] if classes > 1 else labels[:, None]
        return x, y.astype(np.float32)

    return make


BATCHES = {
    "mnist_cnn_5x5": Batch(200, images(28, 1, 10), "adam"),
    "mnist_cnn_3x3": Batch(128, images(28, 1, 10), "adadelta"),
    "lenet5": Batch(64, images(32, 1, 10), "sgd"),
    "cifar_cnn": Batch(20, images(32, 3, 10), "adam"),
    "softmax_3072": Batch(20, vectors(3072, 10), "adam"),
    "emotion_cnn": Batch(64, images(48, 1, 7), "adam"),
    "stock_lstm_b1": Batch(1, series(60), "adam", "mse"),
    "stock_lstm": Batch(32, series(60), "adam", "mse"),
    "text_bilstm": Batch(32, tokens(200, 20000, 1), "adam", "binary_crossentropy"),
    "text_cnn": Batch(50, tokens(56, 18765, 2), "adadelta"),
    "alexnet": Batch(16, images(227, 3, 1000), "sgd"),
}


def scaled_cnn(size: int = 32, channels: int = 32, depth: int = 2) -> Batch:
    """The batch of a plain convolutional net of which one size is varied at a time."""
    return Batch(32, images(size, 3, 10), "sgd")


def scaled_lstm(length: int = 64, hidden: int = 64) -> Batch:
    """The batch of a plain recurrent net of which one size is varied at a time."""
    return Batch(32, series(length, 16), "sgd", "mse")


_SCALED: dict[str, Callable[..., Batch]] = {"scaled_cnn": scaled_cnn, "scaled_lstm": scaled_lstm}


def find(name: str, sizes: dict[str, int]) -> Batch:
    """The batch of a named net, or of a scaled one of these sizes."""
    return _SCALED[name](**sizes) if name in _SCALED else BATCHES[name]


def load(request: dict[str, Any]) -> None:
    """Make the batch of a request, so that no first step is charged for it."""
    find(request["prepare"], request["sizes"]).make(request["batch"])
