"""Weights on the GPU: sent when the host has changed them, brought back when it asks."""

from __future__ import annotations

import copy
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import convnet
from convnet import _core, layers
from tests.cuda.nets import ROWS, X, Y, assert_same_bits, mlp, trained
from tests.training.agreement import assert_trained_alike

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("on_gpu")]


def test_fit_leaves_weights_on_the_gpu_until_somebody_asks():
    model = mlp()
    model.fit(X, Y, verbose=0)
    kernel = model.trainable_variables[0]
    first = kernel.memory.copy()
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(kernel.memory, first)
    assert np.abs(kernel.numpy() - first).max() > 1e-4
    np.testing.assert_array_equal(kernel.memory, kernel.numpy())


@pytest.mark.parametrize(
    "ask",
    [
        lambda v: v.numpy(),
        lambda v: v.value,
        np.asarray,
        lambda v: np.asarray(v + 0.0),
        lambda v: copy.deepcopy(v).memory,
        lambda v: pickle.loads(pickle.dumps(v)).memory,
    ],
    ids=["numpy", "value", "asarray", "operator", "deepcopy", "pickle"],
)
def test_every_way_to_a_value_brings_it_back(ask):
    model, start = trained()[0], mlp().get_weights()
    found = [np.array(ask(variable)) for variable in model.weights]
    for value, expected, first in zip(found, trained()[0].get_weights(), start, strict=True):
        np.testing.assert_array_equal(value, expected)
        assert not np.array_equal(value, first)


def test_states_come_back():
    model = trained()[0]
    mean = model.non_trainable_variables[0]
    assert np.abs(mean.numpy()).max() > 1e-3


def test_weights_that_are_set_are_sent():
    model, other = trained()[0], mlp()
    expected = model.predict(X, verbose=0)
    other.predict(X, verbose=0)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.predict(X, verbose=0), expected)


def test_a_variable_that_is_assigned_keeps_what_its_neighbours_learned():
    model, same = trained()[0], trained()[0]
    bias = model.trainable_variables[1]
    bias.assign(np.full(bias.shape, 2.0))
    found, expected = model.get_weights(), same.get_weights()
    expected[1] = np.full(bias.shape, 2.0, np.float32)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_goes_on_from_weights_that_a_callback_has_set():
    class Reset(convnet.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            self.model.set_weights([np.zeros_like(w) for w in self.model.get_weights()])

    model = mlp(optimizer=convnet.optimizers.SGD(0.0))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Reset()])
    assert all(np.all(v.numpy() == 0) for v in model.trainable_variables)
    np.testing.assert_array_equal(model.predict(X, verbose=0), 0)


def test_a_plan_on_the_cpu_sees_what_the_gpu_has_learned_and_the_other_way_round():
    model = mlp(rate=0.0)
    with convnet.device("cpu"):
        expected = mlp(rate=0.0)
        expected.fit(X, Y, epochs=4, batch_size=8, shuffle=False, verbose=0)
    for device in ("gpu", "cpu", "gpu", "cpu"):
        with convnet.device(device):
            model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
            model.evaluate(X, Y, verbose=0)
    assert_trained_alike((model.get_weights(), {}), (expected.get_weights(), {}))


def test_compiling_anew_keeps_what_was_learned():
    model, expected = trained()[0], trained()[0].get_weights()
    model.compile("sgd", "mse")
    for a, b in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_saved_models_hold_what_was_learned(tmp_path: Path):
    model = trained()[0]
    model.save(tmp_path / "net.keras")
    loaded = convnet.saving.load_model(tmp_path / "net.keras")
    assert_same_bits(loaded, model)
    a, b = (net.optimizer.variables for net in (loaded, model))
    for v, w in zip(a, b, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


def test_updates_in_python_see_gradients_and_are_sent():
    class Plain(convnet.optimizers.Optimizer):
        kernel = None

        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(gradient * learning_rate)

    results = []
    for device in ("gpu", "cpu"):
        with convnet.device(device):
            model = mlp(optimizer=Plain(0.05))
            history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
            results.append((model.get_weights(), history.history))
    assert_trained_alike(*results)


def test_a_plain_array_travels_with_each_run():
    graph = _core.Graph(1, {}, False, 0)
    state = graph.state([3], "state")
    graph.update("clip_value", [state], {"value": 1.0})
    plan = _core.Plan(graph, [], 1)
    memory = np.array([5.0, 0.5, -5.0], np.float32)
    plan.bind(state, memory)
    plan.train({}, np.zeros(1, np.int64), 1, np.zeros((1, 2)))
    assert memory.tolist() == [1.0, 0.5, -1.0]
    memory[1] = 7.0
    plan.train({}, np.zeros(1, np.int64), 1, np.zeros((1, 2)))
    assert memory.tolist() == [1.0, 1.0, -1.0]


def test_models_train_at_the_same_time_as_they_do_alone():
    def plain() -> convnet.Sequential:
        model = convnet.Sequential([layers.Input((6,)), layers.Dense(4), layers.Dense(3)])
        model.compile("adam", "mse")
        return model

    models = [plain() for _ in range(3)]
    starts = [model.get_weights() for model in models]

    def fit(model: convnet.Sequential) -> None:
        with convnet.device("gpu"):
            for _ in range(3):
                model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
                model.predict(X, verbose=0)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(fit, models))
    for model, start in zip(models, starts, strict=True):
        alone = plain()
        alone.set_weights(start)
        fit(alone)
        assert_same_bits(alone, model)


def test_threads_predict_while_another_reads_weights():
    model = trained()[0]
    expected = model.predict(X, verbose=0)

    def predict(_: int) -> bool:
        with convnet.device("gpu"):
            return np.array_equal(model.predict(X, verbose=0), expected)

    with ThreadPoolExecutor(4) as pool:
        same = pool.map(predict, range(20))
        for _ in range(20):
            model.get_weights()
        assert all(same)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_child_of_a_fork_is_told_what_is_wrong():
    model = trained()[0]
    expected = model.predict(X, verbose=0)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = []
        for ask in (lambda: model.predict(X, verbose=0), model.get_weights):
            try:
                found.append(str(ask()))
            except _core.NoCuda as error:
                found.append(str(error))
        os.write(writing, "\n".join(found).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        told = answers.read().splitlines()
    assert os.waitpid(child, 0)[1] == 0
    assert len(told) == 2 and all("was forked from one that had used the GPU" in t for t in told)
    np.testing.assert_array_equal(model.predict(X, verbose=0), expected)


def test_a_model_that_moved_reads_its_new_memory():
    model = convnet.Sequential([layers.Input((6,)), layers.Dense(3)])
    before = model.predict(X, verbose=0)
    model.compile(convnet.optimizers.SGD(0.0), "mse")
    model.fit(X, np.zeros((ROWS, 3)), verbose=0)
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    model.set_weights([w * 2 for w in model.get_weights()])
    np.testing.assert_array_equal(model.predict(X, verbose=0), 2 * before)
