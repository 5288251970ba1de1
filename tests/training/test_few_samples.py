"""Steps of a few samples run one sample after the other, features in lanes: they must train as
steps of 16 samples side by side do, whoever runs which piece of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import convnet
from convnet import config, layers, models
from convnet.training import engine
from tests.training.agreement import assert_trained_alike

pytestmark = pytest.mark.cpu_only("a GPU has no lanes")

STEPS, FEATURES, CLASSES = 21, 3, 4

Data = tuple[Any, Any]


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    config.set_num_threads(None)


def _sequences(rng: np.random.Generator, samples: int) -> np.ndarray:
    return rng.normal(size=(samples, STEPS, FEATURES)).astype(np.float32)


def _sequential(*stack: Any, shape: tuple[int, ...] = (STEPS, FEATURES)) -> Any:
    return models.Sequential([layers.Input(shape), *stack])


def _numbers(model: Any, rng: np.random.Generator, samples: int, **compiled: Any) -> Any:
    model.compile(**{"optimizer": "adam", "loss": "mse"} | compiled)
    return model, _sequences(rng, samples), rng.normal(size=(samples, 1)).astype(np.float32)


def stacked_lstm(rng: np.random.Generator, samples: int) -> Any:
    model = _sequential(
        layers.LSTM(19, return_sequences=True), layers.LSTM(33), layers.Dense(1), shape=(21, 3)
    )
    return _numbers(model, rng, samples, metrics=["mae"])


def stacked_gru(rng: np.random.Generator, samples: int) -> Any:
    first = layers.GRU(16, return_sequences=True, go_backwards=True, dropout=0.2)
    second = layers.GRU(9, reset_after=False, recurrent_dropout=0.3)
    return _numbers(_sequential(first, second, layers.Dense(1)), rng, samples)


def simple_rnn_with_dropout(rng: np.random.Generator, samples: int) -> Any:
    stack = (
        layers.SimpleRNN(12, return_sequences=True, dropout=0.1, recurrent_dropout=0.1),
        layers.Dropout(0.3),
        layers.SimpleRNN(7, activation="relu", kernel_regularizer="l2"),
        layers.Dropout(0.2),
        layers.Dense(1),
    )
    return _numbers(_sequential(*stack), rng, samples, optimizer="rmsprop")


def masked_text(rng: np.random.Generator, samples: int) -> Any:
    model = _sequential(
        layers.Embedding(30, 10, mask_zero=True),
        layers.Bidirectional(layers.LSTM(11, return_sequences=True)),
        layers.Bidirectional(layers.GRU(6)),
        layers.Dense(1, activation="sigmoid"),
        shape=(STEPS,),
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
    x = rng.integers(1, 30, size=(samples, STEPS))
    for i, row in enumerate(x):
        row[2 + i % (STEPS - 2) :] = 0
    return model, x, rng.integers(0, 2, size=(samples, 1))


def masked_sequence_of_classes(rng: np.random.Generator, samples: int) -> Any:
    model = _sequential(
        layers.Masking(0.0),
        layers.LSTM(8, return_sequences=True),
        layers.TimeDistributed(layers.Dense(6, activation="tanh")),
        layers.Dense(CLASSES, activation="softmax"),
    )
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
        metrics=["accuracy"],
    )
    x = _sequences(rng, samples)
    x[:, 1::3] = 0
    return model, x, rng.integers(0, CLASSES, size=(samples, STEPS, 1))


def perceptron(rng: np.random.Generator, samples: int) -> Any:
    model = _sequential(
        layers.Dense(70, activation="relu"),
        layers.Dropout(0.4),
        layers.Dense(37, activation="tanh", activity_regularizer="l1"),
        layers.Dense(CLASSES),
        layers.Softmax(),
        shape=(50,),
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy", "f1_score"])
    x = rng.normal(size=(samples, 50)).astype(np.float32)
    return model, x, np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, size=samples)]


def two_outputs(rng: np.random.Generator, samples: int) -> Any:
    sequence = layers.Input((STEPS, FEATURES))
    extra = layers.Input((5,))
    hidden, *states = layers.LSTM(10, return_sequences=True, return_state=True)(sequence)
    last = layers.LSTM(10)(hidden, initial_state=states)
    merged = layers.Concatenate()([last, layers.Dense(6, activation="relu")(extra)])
    outputs = [layers.Dense(1, name="number")(merged), layers.Dense(3, name="logits")(merged)]
    model = models.Model([sequence, extra], outputs)
    logits = convnet.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", ["mae", logits], loss_weights=[1.0, 0.3])
    x = [_sequences(rng, samples), rng.normal(size=(samples, 5)).astype(np.float32)]
    y = [rng.normal(size=(samples, 1)).astype(np.float32), rng.integers(0, 3, size=samples)]
    return model, x, y


def convolution(rng: np.random.Generator, samples: int) -> Any:
    """Takes 16 lanes whatever the batch."""
    model = _sequential(layers.Conv1D(5, 3, activation="relu"), layers.LSTM(6), layers.Dense(1))
    return _numbers(model, rng, samples)


NETS = [
    stacked_lstm,
    stacked_gru,
    simple_rnn_with_dropout,
    masked_text,
    masked_sequence_of_classes,
    perceptron,
    two_outputs,
    convolution,
]
every_net = pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)


def _trained(
    make: Callable[..., Any], samples: int, batch: int, threads: int = 1, **arguments: Any
) -> tuple[list[np.ndarray], dict[str, Any]]:
    config.set_num_threads(threads)
    convnet.utils.set_random_seed(3)
    model, x, y = make(np.random.default_rng(3), samples)
    history = model.fit(x, y, batch_size=batch, epochs=2, verbose=0, **arguments)
    return model.get_weights(), history.history


def _lanes_used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lanes of the steps that are planned from here on."""
    used: list[int] = []
    plan = engine.Engine._plan

    def note(self: Any, training: bool, data: Any, capacity: int, lanes: Any) -> Any:
        step = plan(self, training, data, capacity, lanes)
        used.append(lanes[0])
        return step

    monkeypatch.setattr(engine.Engine, "_plan", note)
    return used


@every_net
@pytest.mark.parametrize("batch", [1, 3])
def test_trains_as_16_samples_side_by_side(make, batch, monkeypatch):
    used = _lanes_used(monkeypatch)
    weights, history = _trained(make, 7, batch)
    monkeypatch.setattr(engine, "_FEW", 0)
    expected, expected_history = _trained(make, 7, batch)
    assert used == ([16, 16] if make is convolution else [1, 16])
    assert_trained_alike((weights, history), (expected, expected_history))


@every_net
@pytest.mark.parametrize("batch", [1, 4])
def test_bits_do_not_depend_on_threads(make, batch):
    expected, expected_history = _trained(make, 10, batch)
    for threads in (2, 3, 5):
        weights, history = _trained(make, 10, batch, threads)
        for a, b in zip(weights, expected, strict=True):
            assert np.array_equal(a, b)
        np.testing.assert_equal(history, expected_history)


def wide_stack(rng: np.random.Generator, samples: int) -> Any:
    stack = (
        layers.LSTM(60, return_sequences=True),
        layers.GRU(64, return_sequences=True, go_backwards=True, dropout=0.2),
        layers.Dropout(0.2),
        layers.SimpleRNN(70, return_sequences=True),
        layers.LSTM(50),
        layers.Dense(1),
    )
    return _numbers(_sequential(*stack), rng, samples)


def wide_masked(rng: np.random.Generator, samples: int) -> Any:
    stack = (
        layers.Masking(0.0),
        layers.Bidirectional(layers.LSTM(65, return_sequences=True)),
        layers.Bidirectional(layers.GRU(61)),
        layers.Dense(1),
    )
    model, x, y = _numbers(_sequential(*stack), rng, samples)
    x[:, 2::5] = 0
    return model, x, y


def wide_perceptron(rng: np.random.Generator, samples: int) -> Any:
    stack = [layers.Dense(700, activation="relu"), layers.Dense(500), layers.Dense(1)]
    return _numbers(_sequential(layers.Flatten(), *stack), rng, samples)


@pytest.mark.parametrize("make", [wide_stack, wide_masked, wide_perceptron])
@pytest.mark.parametrize("batch", [1, 3])
def test_pieces_that_several_threads_take_give_the_same_bits(make, batch):
    expected, expected_history = _trained(make, 31, batch)
    for threads in (2, 3, 2, 3):
        weights, history = _trained(make, 31, batch, threads)
        np.testing.assert_equal(history, expected_history)
        for a, b in zip(weights, expected, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("batch", [1, 3])
def test_weights_of_samples_and_classes_count(batch, monkeypatch):
    arguments = {
        "sample_weight": np.linspace(0, 2, 8, dtype=np.float32),
        "class_weight": None,
    }
    weights, _ = _trained(stacked_lstm, 8, batch, **arguments)
    by_class, _ = _trained(masked_text, 8, batch, class_weight={0: 0.2, 1: 3.0})
    monkeypatch.setattr(engine, "_FEW", 0)
    expected, _ = _trained(stacked_lstm, 8, batch, **arguments)
    expected_by_class, _ = _trained(masked_text, 8, batch, class_weight={0: 0.2, 1: 3.0})
    for a, b in zip(weights + by_class, expected + expected_by_class, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_evaluation_in_small_batches_agrees(monkeypatch):
    model, x, y = stacked_lstm(np.random.default_rng(0), 9)
    used = _lanes_used(monkeypatch)
    few = model.evaluate(x, y, batch_size=2, verbose=0)
    many = model.evaluate(x, y, batch_size=32, verbose=0)
    np.testing.assert_allclose(few, many, rtol=1e-5)
    assert used == [1, 16]


def test_a_larger_batch_goes_on_where_small_ones_stopped(monkeypatch):
    used = _lanes_used(monkeypatch)
    model, x, y = stacked_lstm(np.random.default_rng(0), 20)
    losses = [model.train_on_batch(x[:n], y[:n])[0] for n in (1, 20, 2, 20, 1)]
    assert used == [1, 16, 1]
    assert np.isfinite(losses).all()
    assert int(model.optimizer.iterations) == 5
