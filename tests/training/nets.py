"""A small classifier with data."""

from typing import Any

import numpy as np

import convnet
from convnet import layers

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = np.arange(20) % 3


def classifier(**compiled: Any) -> convnet.Sequential:
    """A compiled classifier of three classes of four numbers."""
    model = convnet.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy"} | compiled)
    return model


def generator(*batches: Any) -> Any:
    """A generator that yields the batches and ends."""
    yield from batches
