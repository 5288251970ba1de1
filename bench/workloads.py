"""The nets that are measured, as users write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import convnet
from convnet import layers, models

Data = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Workload:
    """One net with its batch size, data of one batch, and how it is compiled."""

    name: str
    batch: int
    build: Callable[[], Any]
    data: Callable[[np.random.Generator, int], Data]
    compile: dict[str, Any]


def _images(size: int, channels: int, classes: int) -> Callable[[np.random.Generator, int], Data]:
    def make(rng: np.random.Generator, n: int) -> Data:
        x = rng.random((n, size, size, channels), dtype=np.float32)
        return x, np.eye(classes, dtype=np.float32)[rng.integers(0, classes, n)]

    return make


def _net(shape: tuple[int, ...], *stack: Any) -> Any:
    return models.Sequential([layers.Input(shape), *stack])


def _mnist_cnn_5x5() -> Any:
    return _net(
        (28, 28, 1),
        layers.Conv2D(16, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(36, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    )


def _mnist_cnn_3x3() -> Any:
    return _net(
        (28, 28, 1),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    )


def _lenet5() -> Any:
    return _net(
        (32, 32, 1),
        layers.Conv2D(6, 5, activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Conv2D(120, 5, activation="tanh"),
        layers.Flatten(),
        layers.Dense(84, activation="tanh"),
        layers.Dense(10, activation="softmax"),
    )


def _cifar_cnn() -> Any:
    convolutions = [
        layer
        for _ in range(3)
        for layer in (
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
        )
    ]
    return _net(
        (32, 32, 3), *convolutions, layers.Flatten(), layers.Dense(10, activation="softmax")
    )


def _softmax_3072() -> Any:
    return _net((3072,), layers.Dense(10, activation="softmax"))


def _emotion_cnn() -> Any:
    return _net(
        (48, 48, 1),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Conv2D(128, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(1024, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(7, activation="softmax"),
    )


def _stock_lstm() -> Any:
    return _net((60, 1), layers.LSTM(50, return_sequences=True), layers.LSTM(50), layers.Dense(1))


def _text_bilstm() -> Any:
    return _net(
        (200,),
        layers.Embedding(20000, 128),
        layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(64)),
        layers.Dense(1, activation="sigmoid"),
    )


def _text_cnn() -> Any:
    tokens = layers.Input((56,))
    vectors = layers.Embedding(18765, 128)(tokens)
    pooled = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(100, width, activation="relu")(vectors))
        for width in (3, 4, 5)
    ]
    features = layers.Dropout(0.5)(layers.Concatenate()(pooled))
    return models.Model(tokens, layers.Dense(2, activation="softmax")(features))


def _alexnet() -> Any:
    return _net(
        (227, 227, 3),
        layers.Conv2D(96, 11, strides=4, activation="relu"),
        layers.MaxPooling2D(3, strides=2),
        layers.Conv2D(256, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(3, strides=2),
        layers.Conv2D(384, 3, padding="same", activation="relu"),
        layers.Conv2D(384, 3, padding="same", activation="relu"),
        layers.Conv2D(256, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(3, strides=2),
        layers.Flatten(),
        layers.Dense(4096, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(4096, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(1000, activation="softmax"),
    )


def _vector(rng: np.random.Generator, n: int) -> Data:
    return rng.random((n, 3072), dtype=np.float32), np.eye(10, dtype=np.float32)[
        rng.integers(0, 10, n)
    ]


def _series(rng: np.random.Generator, n: int) -> Data:
    return rng.random((n, 60, 1), dtype=np.float32), rng.random((n, 1), dtype=np.float32)


def _tokens(length: int, words: int, classes: int) -> Callable[[np.random.Generator, int], Data]:
    def make(rng: np.random.Generator, n: int) -> Data:
        x = rng.integers(0, words, (n, length))
        labels = rng.integers(0, 2, n)
        y = np.eye(classes, dtype=np.float32)[labels] if classes > 1 else labels[:, None]
        return x, y.astype(np.float32)

    return make


_CLASSES = {"optimizer": "adam", "loss": "categorical_crossentropy"}

ALL = [
    Workload("mnist_cnn_5x5", 200, _mnist_cnn_5x5, _images(28, 1, 10), _CLASSES),
    Workload(
        "mnist_cnn_3x3",
        128,
        _mnist_cnn_3x3,
        _images(28, 1, 10),
        {"optimizer": "adadelta", "loss": "categorical_crossentropy"},
    ),
    Workload(
        "lenet5",
        64,
        _lenet5,
        _images(32, 1, 10),
        {"optimizer": "sgd", "loss": "categorical_crossentropy"},
    ),
    Workload("cifar_cnn", 20, _cifar_cnn, _images(32, 3, 10), _CLASSES),
    Workload("softmax_3072", 20, _softmax_3072, _vector, _CLASSES),
    Workload("emotion_cnn", 64, _emotion_cnn, _images(48, 1, 7), _CLASSES),
    Workload("stock_lstm_b1", 1, _stock_lstm, _series, {"optimizer": "adam", "loss": "mse"}),
    Workload("stock_lstm", 32, _stock_lstm, _series, {"optimizer": "adam", "loss": "mse"}),
    Workload(
        "text_bilstm",
        32,
        _text_bilstm,
        _tokens(200, 20000, 1),
        {"optimizer": "adam", "loss": "binary_crossentropy"},
    ),
    Workload(
        "text_cnn",
        50,
        _text_cnn,
        _tokens(56, 18765, 2),
        {"optimizer": "adadelta", "loss": "categorical_crossentropy"},
    ),
    Workload(
        "alexnet",
        16,
        _alexnet,
        _images(227, 3, 1000),
        {"optimizer": "sgd", "loss": "categorical_crossentropy"},
    ),
]


def make(workload: Workload) -> tuple[Any, Data]:
    """The compiled model and one batch of data, the same on every run."""
    convnet.utils.set_random_seed(0)
    model = workload.build()
    model.compile(**workload.compile)
    return model, workload.data(np.random.default_rng(0), workload.batch)
