"""Linear models of wide inputs train one sample after the other, inputs in lanes, however large the
batch: as steps of 16 samples side by side do, whoever runs which piece of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convnet
from convnet import config, layers, models
from tests.training.agreement import assert_trained_alike

pytestmark = pytest.mark.cpu_only("a GPU has no lanes")

FEATURES = 700


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    config.set_num_threads(None)


def softmax_regression(rng: np.random.Generator, samples: int) -> Any:
    model = models.Sequential([layers.Input((FEATURES,)), layers.Dense(10, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    x = rng.random((samples, FEATURES), dtype=np.float32)
    return model, x, np.eye(10)[rng.integers(0, 10, samples)]


def pixels_to_logits(rng: np.random.Generator, samples: int) -> Any:
    model = models.Sequential(
        [layers.Input((20, 15, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(7)]
    )
    loss = convnet.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    x = rng.integers(0, 256, (samples, 20, 15, 1), dtype=np.uint8)
    return model, x, rng.integers(0, 7, samples)


def linear_regression(rng: np.random.Generator, samples: int) -> Any:
    model = models.Sequential([layers.Input((FEATURES,)), layers.Dense(1, kernel_regularizer="l2")])
    model.compile("adadelta", "mse", metrics=["mae"])
    x = rng.normal(size=(samples, FEATURES)).astype(np.float32)
    return model, x, x[:, :1] - x[:, 5:6]


def logistic_regression(rng: np.random.Generator, samples: int) -> Any:
    model = models.Sequential([layers.Input((FEATURES,)), layers.Dense(1, activation="sigmoid")])
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    x = rng.normal(size=(samples, FEATURES)).astype(np.float32)
    return model, x, (x[:, :1] > 0).astype(np.float32)


every_net = pytest.mark.parametrize(
    "make", [softmax_regression, pixels_to_logits, linear_regression, logistic_regression]
)


def _trained(make: Any, samples: int, batch: int, threads: int = 1) -> Any:
    config.set_num_threads(threads)
    convnet.utils.set_random_seed(3)
    model, x, y = make(np.random.default_rng(3), samples)
    history = model.fit(x, y, batch_size=batch, epochs=2, verbose=0, validation_data=(x, y))
    return model, model.get_weights(), history.history


@every_net
@pytest.mark.parametrize("batch", [5, 20, 64])
def test_trains_as_16_samples_side_by_side(make, batch):
    model, weights, history = _trained(make, 71, batch)
    lanes = {step._trace.lanes for step in model._engine._steps.values()}
    assert lanes == {1}
    with config.algorithm(lanes="16"):
        _, expected, expected_history = _trained(make, 71, batch)
    assert_trained_alike((weights, history), (expected, expected_history))


@every_net
@pytest.mark.parametrize("batch", [20, 200])
def test_bits_do_not_depend_on_threads(make, batch):
    _, expected, expected_history = _trained(make, 230, batch)
    for threads in (2, 3, 5):
        _, weights, history = _trained(make, 230, batch, threads)
        np.testing.assert_equal(history, expected_history)
        for a, b in zip(weights, expected, strict=True):
            assert np.array_equal(a, b)
