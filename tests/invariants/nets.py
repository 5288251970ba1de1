"""Small nets with every kind of stage: convolution, pooling, dropout, dense, recurrent layers."""

from __future__ import annotations

import numpy as np

import convnet
from convnet import layers


def cnn() -> tuple[convnet.Sequential, np.ndarray, np.ndarray]:
    """A compiled CNN with data of 100 samples: seven shards of 14 or 15."""
    convnet.utils.set_random_seed(11)
    rng = np.random.default_rng(11)
    model = convnet.Sequential(
        [
            layers.Input((12, 12, 2)),
            layers.Conv2D(9, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(11, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(17, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x = rng.normal(size=(100, 12, 12, 2)).astype(np.float32)
    return model, x, rng.integers(0, 3, size=100)


def wide_cnn() -> tuple[convnet.Sequential, np.ndarray]:
    """A CNN that gives several threads enough to do for a single sample, and 40 samples."""
    convnet.utils.set_random_seed(14)
    model = convnet.Sequential(
        [
            layers.Input((20, 20, 12)),
            layers.Conv2D(70, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(33, 3, strides=2),
            layers.Flatten(),
            layers.Dense(130, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(14)
    return model, rng.normal(size=(40, 20, 20, 12)).astype(np.float32)


def normalized_cnn() -> tuple[convnet.Sequential, np.ndarray, np.ndarray]:
    """A compiled CNN with batch normalization."""
    convnet.utils.set_random_seed(12)
    rng = np.random.default_rng(12)
    model = convnet.Sequential(
        [
            layers.Input((9, 8, 3)),
            layers.Conv2D(6, 3),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    model.compile(optimizer="sgd", loss="mse")
    x = rng.normal(size=(70, 9, 8, 3)).astype(np.float32)
    return model, x, rng.normal(size=(70, 2)).astype(np.float32)


def lstm() -> tuple[convnet.Sequential, np.ndarray, np.ndarray]:
    """Compiled stacked LSTMs."""
    convnet.utils.set_random_seed(13)
    rng = np.random.default_rng(13)
    model = convnet.Sequential(
        [
            layers.Input((8, 3)),
            layers.LSTM(10, return_sequences=True),
            layers.LSTM(7),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="rmsprop", loss="mse")
    x = rng.normal(size=(60, 8, 3)).astype(np.float32)
    return model, x, rng.normal(size=(60, 1)).astype(np.float32)


ALL = [cnn, normalized_cnn, lstm]
