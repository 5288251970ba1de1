"""Tables that are only looked up are updated in the rows of a batch, and no bit tells."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import convnet
from convnet import callbacks, config, layers, optimizers
from convnet.training import train_step
from convnet.training.train_step import TrainStep

pytestmark = pytest.mark.cpu_only("a GPU updates whole tables")

ROWS, LENGTH = 4000, 5
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


def net(optimizer: Any, columns: int = 37, **embedding: Any) -> convnet.Sequential:
    convnet.utils.set_random_seed(3)
    model = convnet.Sequential(
        [
            layers.Input((LENGTH,)),
            layers.Embedding(ROWS, columns, **embedding),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def words(samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows that come often, seldom or never."""
    rng = np.random.default_rng(seed)
    ids = (ROWS * rng.random((samples, LENGTH)) ** 4).astype(np.int32)
    return ids, rng.normal(size=(samples, 1)).astype(np.float32)


def state(model: convnet.Sequential) -> list[np.ndarray]:
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def assert_same_bits(actual: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """All bits but those that tell one NaN from another."""
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0]))


def both(train: Callable[[], list[np.ndarray]]) -> None:
    """What `train` gives has the same bits where tables are updated as all other weights are."""
    actual = train()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainStep, "_goes_by_the_row", lambda *_: False)
        expected = train()
    assert_same_bits(actual, expected)


def goes_by_the_row(model: convnet.Sequential) -> bool:
    (step,) = model._engine._steps.values()
    step.plan.timed = True
    return "embedding_rows" in {call["op"] for call in step.plan.profile()["calls"]}


@pytest.mark.parametrize(("batch", "threads"), [(3, 2), (40, 1), (40, 2), (40, 3)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_bits_are_those_of_an_update_of_the_whole_table(name, batch, threads):
    def train():
        config.set_num_threads(threads)
        model, states = net(OPTIMIZERS[name]()), []
        for seed in range(2):
            model.fit(*words(130, seed), batch_size=batch, epochs=2, verbose=0)
            states += state(model)
        return states

    both(train)


def test_tables_go_by_the_row_at_all():
    model = net("adam")
    model.fit(*words(100), batch_size=20, verbose=0)
    assert goes_by_the_row(model)


def test_runs_that_end_with_a_pass_over_tables_are_longer(monkeypatch):
    run, limits = TrainStep.run, []

    def recorded(self, data, order, batch, hyper, seconds=-1.0):
        limits.append(seconds)
        return run(self, data, order, batch, hyper, seconds)

    monkeypatch.setattr(TrainStep, "run", recorded)
    for columns in (8, 37):
        model = net("adam", columns=columns)
        model.fit(*words(40), batch_size=20, verbose=0)
        assert goes_by_the_row(model) == (columns == 37)
    assert limits[0] < limits[-1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_bits_of_strange_numbers(name):
    def train():
        model = net(OPTIMIZERS[name](), columns=48)
        model.train_on_batch(*words(20))
        strange = np.float32([-0.0, np.inf, np.nan, -1.0, 1e-38, 1e35, -1e-39, 0.0])
        for i, variable in enumerate(v for v in [*model.variables, *model.optimizer.variables]):
            if variable.shape == (ROWS, 48):
                value = variable.numpy()
                value[i::7, i::5] = np.resize(strange, value[i::7, i::5].shape)
                variable.assign(value)
        model.fit(*words(100), batch_size=20, verbose=0)
        return state(model)

    with np.errstate(all="ignore"):
        both(train)


@pytest.mark.parametrize("name", ["adam", "adadelta"])
def test_a_run_of_many_steps(name):
    def train():
        model = net(OPTIMIZERS[name]())
        x, y = words(2400)
        x[1000:2200] = 7
        model.fit(x, y, batch_size=3, shuffle=False, verbose=0)
        return state(model)

    both(train)


@pytest.mark.parametrize("name", ["adam", "adadelta"])
def test_numbers_outside_the_table_are_no_rows(name):
    def train():
        model = net(OPTIMIZERS[name]())
        x, y = words(60)
        x[::7, 1], x[::5, 2] = -1, ROWS
        model.fit(x, y, batch_size=20, verbose=0)
        return state(model)

    both(train)


def test_weights_are_up_to_date_after_each_batch_that_a_callback_sees():
    def train():
        model, seen = net("adam"), []
        see = callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: seen.extend(state(model))
        )
        model.fit(*words(100), batch_size=20, callbacks=[see], verbose=0)
        return seen

    both(train)


def test_weights_that_are_set_between_calls_count():
    def train():
        model = net("adam")
        model.fit(*words(100), batch_size=20, verbose=0)
        model.set_weights([2 * w for w in model.get_weights()])
        model.fit(*words(100, 1), batch_size=20, verbose=0)
        return state(model)

    both(train)


def test_an_interrupt_leaves_the_weights_of_whole_steps():
    x, y = words(20000)
    model = net("adam")
    model.fit(x[:20], y[:20], batch_size=20, verbose=0)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=20, shuffle=False, epochs=10**6, verbose=0)
    timer.join()
    again = net("adam")
    again.fit(x[:20], y[:20], batch_size=20, verbose=0)
    for begin in itertools.cycle(range(0, len(x), 20)):
        again.train_on_batch(x[begin : begin + 20], y[begin : begin + 20])
        if np.array_equal(model.layers[-1].kernel, again.layers[-1].kernel):
            break
        assert int(again.optimizer.iterations) < 100_000
    assert_same_bits(model.get_weights(), again.get_weights())


def shared_table() -> Any:
    first, second = layers.Input((LENGTH,)), layers.Input((LENGTH,))
    table = layers.Embedding(ROWS, 37)
    pooled = [layers.GlobalAveragePooling1D()(table(x)) for x in (first, second)]
    model = convnet.Model([first, second], layers.Dense(1)(layers.Concatenate()(pooled)))
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: net("adam", embeddings_regularizer="l2"),
        lambda: net("adam", embeddings_constraint="non_neg"),
        lambda: net(optimizers.Adam(clipnorm=1.0)),
        lambda: net(optimizers.Adam(clipvalue=1.0)),
        lambda: net(optimizers.Adam(global_clipnorm=1.0)),
        lambda: net(optimizers.Adam(use_ema=True)),
        lambda: net(optimizers.Adam(gradient_accumulation_steps=2)),
        lambda: net("adam", columns=8),
        shared_table,
    ],
    ids=[
        "regularizer",
        "constraint",
        "clipnorm",
        "clipvalue",
        "global_clipnorm",
        "ema",
        "accumulation",
        "small",
        "two lookups",
    ],
)
def test_other_tables_are_updated_as_a_whole(make):
    model = make()
    x, y = words(40)
    model.fit([x, x] if len(model.inputs) == 2 else x, y, batch_size=20, verbose=0)
    assert not goes_by_the_row(model)


def test_a_table_of_which_a_batch_reads_much_is_updated_as_a_whole():
    model = net("adam")
    model.fit(*words(ROWS), batch_size=ROWS // 16 // LENGTH + 1, verbose=0)
    assert not goes_by_the_row(model)


def test_other_weights_keep_their_constraints_and_decay():
    def train():
        convnet.utils.set_random_seed(3)
        x = layers.Input((LENGTH,))
        left = layers.Dense(5, kernel_constraint="max_norm")(x)
        right = layers.GlobalAveragePooling1D()(layers.Embedding(ROWS, 37)(x))
        y = layers.Dense(1, kernel_constraint="unit_norm")(layers.Concatenate()([left, right]))
        model = convnet.Model(x, y)
        optimizer = optimizers.AdamW(0.01)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model.compile(optimizer, "mse")
        model.fit(*words(100), batch_size=20, verbose=0)
        assert goes_by_the_row(model) or TrainStep._goes_by_the_row.__name__ == "<lambda>"
        return state(model)

    both(train)


def test_gradients_of_other_weights_are_followed(monkeypatch):
    def train():
        convnet.utils.set_random_seed(3)
        x = layers.Input((LENGTH,))
        left = layers.Dense(211, activation="relu")(x)
        right = layers.GlobalAveragePooling1D()(layers.Embedding(ROWS, 37)(x))
        hidden = layers.Dense(67, activation="tanh")(layers.Concatenate()([left, right]))
        model = convnet.Model(x, layers.Dense(1)(hidden))
        model.compile(optimizers.AdamW(0.01), "mse")
        model.fit(*words(100), batch_size=20, verbose=0)
        return model

    monkeypatch.setattr(train_step, "_LEAST_FOLLOWED", 1 << 13)
    model = train()
    assert goes_by_the_row(model)
    parameters = model._engine._parameters
    views = parameters.views(parameters.gradients)
    (followed,) = (v for v, g in zip(parameters.variables, views, strict=True) if not g.any())
    assert followed.shape == (248, 67)
    monkeypatch.setattr(TrainStep, "_goes_by_the_row", lambda *_: False)
    monkeypatch.setattr(TrainStep, "_follows", lambda *_: False)
    assert_same_bits(state(model), state(train()))
