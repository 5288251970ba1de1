"""Tables that are only looked up are updated in the rows of a batch, and no bit tells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convnet
from convnet import callbacks, config, layers, optimizers
from convnet.training.train_step import TrainStep

ROWS, LENGTH = 3000, 5
SCHEDULE = optimizers.schedules.ExponentialDecay(0.02, 3, 0.9)

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(SCHEDULE, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(SCHEDULE),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01),
    "adam without epsilon": lambda: optimizers.Adam(0.01, epsilon=0.0),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "lion": lambda: optimizers.Lion(0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "rmsprop momentum": lambda: optimizers.RMSprop(SCHEDULE, momentum=0.5),
    "rmsprop centered": lambda: optimizers.RMSprop(0.01, centered=True),
    "rmsprop both": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "adadelta": lambda: optimizers.Adadelta(SCHEDULE),
    "adadelta, infinite rate": lambda: optimizers.Adadelta(float("inf")),
    "adadelta, negative rate": lambda: optimizers.Adadelta(-1.0),
}


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    config.set_num_threads(None)


@pytest.fixture
def whole(monkeypatch):
    """Lets tables be updated as all other weights are."""
    return lambda: monkeypatch.setattr(TrainStep, "_goes_by_the_row", lambda *_: False)


def net(optimizer: Any, columns: int = 37, **embedding: Any) -> convnet.Sequential:
    convnet.utils.set_random_seed(3)
    model = convnet.Sequential(
        [
            layers.Input((LENGTH,)),
            layers.Dense(LENGTH, trainable=False, kernel_initializer="identity"),
            layers.Embedding(ROWS, columns, **embedding),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def words(samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are frequent, rare or none, in no order."""
    rng = np.random.default_rng(seed)
    ids = (ROWS * rng.random((samples, LENGTH)) ** 4).astype(np.int32)
    ids[0, :2] = -1, ROWS + 5
    ids = np.where(rng.random(ids.shape) < 0.1, ids[:1], ids)
    return ids, rng.normal(size=(samples, 1)).astype(np.float32)


def state(model: convnet.Sequential) -> list[np.ndarray]:
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def by_the_row(model: convnet.Sequential) -> bool:
    steps = model._engine._steps.values()
    ops = {call["op"] for step in steps for call in _profile(step)}
    return "embedding_rows" in ops


def _profile(step: Any) -> list[dict[str, Any]]:
    step.plan.timed = True
    return step.plan.profile()["calls"]
