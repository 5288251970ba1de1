"""The nets that are measured, as users write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import convnet
from bench.batches import BATCHES, Data, MakeData
from convnet import layers, models


@dataclass(frozen=True)
class Workload:
    """One net with its batch size, data of one batch, and how it is compiled."""

    name: str
    batch: int
    build: Callable[[], Any]
    data: MakeData
    compile: dict[str, str]


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


def _scaled_cnn(size: int = 32, channels: int = 32, depth: int = 2) -> Any:
    return _net(
        (size, size, 3),
        *(layers.Conv2D(channels, 3, padding="same", activation="relu") for _ in range(depth)),
        layers.MaxPooling2D(2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax"),
    )


def _scaled_lstm(length: int = 64, hidden: int = 64) -> Any:
    return _net((length, 16), layers.LSTM(hidden), layers.Dense(1))


_BUILDERS: dict[str, Callable[[], Any]] = {
    "mnist_cnn_5x5": _mnist_cnn_5x5,
    "mnist_cnn_3x3": _mnist_cnn_3x3,
    "lenet5": _lenet5,
    "cifar_cnn": _cifar_cnn,
    "softmax_3072": _softmax_3072,
    "emotion_cnn": _emotion_cnn,
    "stock_lstm_b1": _stock_lstm,
    "stock_lstm": _stock_lstm,
    "text_bilstm": _text_bilstm,
    "text_cnn": _text_cnn,
    "alexnet": _alexnet,
}

_SCALED: dict[str, Callable[..., Any]] = {
    "scaled_cnn": _scaled_cnn,
    "scaled_lstm": _scaled_lstm,
}

ALL = [
    Workload(name, BATCHES[name].size, build, BATCHES[name].data, BATCHES[name].compile)
    for name, build in _BUILDERS.items()
]


def make(workload: Workload) -> tuple[Any, Data]:
    """The compiled model and one batch of data, the same on every run."""
    convnet.utils.set_random_seed(0)
    model = workload.build()
    model.compile(**workload.compile)
    return model, workload.data(np.random.default_rng(0), workload.batch)


def build(name: str, sizes: dict[str, int]) -> Any:
    """A named net, or a scaled one of these sizes, not compiled."""
    return _SCALED[name](**sizes) if name in _SCALED else _BUILDERS[name]()
