"""Small nets with data, the same each time that they are made."""

from __future__ import annotations

from typing import Any

import numpy as np

import convnet
from convnet import layers

ROWS = 43
_RNG = np.random.default_rng(5)
X = _RNG.integers(0, 256, size=(ROWS, 6)).astype(np.uint8)
Y = _RNG.integers(0, 3, size=(ROWS, 3)).astype(np.int32)


def mlp(rate: float = 0.2, **compiled: Any) -> convnet.Sequential:
    """A net for six bytes, with a state and a random layer, whose steps are short to emulate."""
    convnet.utils.set_random_seed(3)
    model = convnet.Sequential(
        [
            layers.Input((6,)),
            layers.Rescaling(1 / 255),
            layers.Dense(8, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dropout(rate),
            layers.Dense(3),
        ]
    )
    model.compile(**{"optimizer": "adam", "loss": "mse"} | compiled)
    return model


def trained(**fitted: Any) -> tuple[convnet.Sequential, dict[str, list[float]]]:
    """The net after two epochs, and what they reported."""
    model = mlp()
    history = model.fit(**{"x": X, "y": Y, "epochs": 2, "batch_size": 8, "verbose": 0} | fitted)
    return model, history.history


def assert_same_bits(a: convnet.Sequential, b: convnet.Sequential) -> None:
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)
