"""How data comes to the GPU: kept there, or sent a chunk of steps at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convnet
from convnet import DeviceArray, _core, callbacks, layers
from convnet.training.data_adapter import Arrays
from tests.cuda.nets import ROWS, X, Y, assert_same_bits, mlp, trained
from tests.training.agreement import assert_trained_alike

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("on_gpu")]


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no data be kept."""
    monkeypatch.setattr(Arrays, "keep_on_gpu", lambda self, gpu, room: 0)


class Watch(callbacks.Callback):
    """Notes at the end of each epoch where the data of all feeds are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.data: list[Arrays] = []
        self.rooms: list[int] = []
        self.kept: list[list[list[Any]]] = []
        keep = Arrays.keep_on_gpu

        def note(data: Arrays, gpu: int, room: int) -> int:
            self.data.append(data)
            self.rooms.append(room)
            return keep(data, gpu, room)

        monkeypatch.setattr(Arrays, "keep_on_gpu", note)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.kept.append([[*data.fed.x, *data.fed.y] for data in self.data])


def test_trains_as_the_cpu_does():
    on_gpu, history = trained()
    with convnet.device("cpu"):
        on_cpu, expected = trained()
    assert_trained_alike((on_gpu.get_weights(), history), (on_cpu.get_weights(), expected))


def test_training_twice_gives_the_same_bits():
    assert_same_bits(trained()[0], trained()[0])


def test_fit_keeps_the_arrays_for_all_epochs_and_then_lets_go(monkeypatch):
    watch = Watch(monkeypatch)
    trained(validation_data=(X[:20], Y[:20]), callbacks=[watch])
    first, second = watch.kept
    assert len(first) == 2  # training and validation
    assert all(isinstance(array, DeviceArray) for arrays in first for array in arrays)
    assert [id(a) for arrays in first for a in arrays] == [id(a) for b in second for a in b]
    assert [data.on_gpu for data in watch.data] == [None, None]


def test_kept_bytes_stay_bytes(monkeypatch):
    watch = Watch(monkeypatch)
    trained(callbacks=[watch])
    assert [array.dtype for array in watch.kept[0][0]] == [np.uint8, np.int32]


def test_an_array_that_is_given_twice_is_kept_once(monkeypatch):
    watch = Watch(monkeypatch)
    model = convnet.Sequential([layers.Input((6,)), layers.Dense(6)])
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0, callbacks=[watch])
    x, y = watch.kept[0][0]
    assert x is y


@pytest.mark.parametrize("batch_size", [1, 7, ROWS, 100])
def test_data_sent_in_chunks_trains_to_the_same_bits(batch_size, request):
    sizes = {"batch_size": batch_size, "validation_split": 0.2, "sample_weight": np.ones(ROWS)}
    kept, history = trained(**sizes)
    request.getfixturevalue("streamed")
    sent, expected = trained(**sizes)
    assert_same_bits(kept, sent)
    assert history == expected


@pytest.mark.usefixtures("emulation")
def test_data_that_does_not_fit_is_sent_in_chunks(monkeypatch, leave):
    watch = Watch(monkeypatch)
    wide = np.tile(Y[:, :1].astype(np.uint8), 1 << 10)
    convnet.utils.set_random_seed(3)
    model = convnet.Sequential([layers.Input((1 << 10,)), layers.Dense(1)])
    model.compile(convnet.optimizers.SGD(1e-5), "mse")
    leave(wide.nbytes)
    history = model.fit(wide, Y[:, 0], batch_size=2, epochs=2, verbose=0, callbacks=[watch])
    assert watch.data[0].on_gpu is None and watch.kept[0][0][0] is wide
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_validation_data_gets_what_room_training_data_leaves(monkeypatch):
    watch = Watch(monkeypatch)
    trained(validation_data=(X[:20], Y[:20]), callbacks=[watch])
    assert watch.rooms[0] - watch.rooms[1] == X.nbytes + Y.nbytes


def test_data_is_kept_only_where_there_is_room():
    data = mlp()._data.arrays(X, Y)
    assert data.keep_on_gpu(0, room=X.nbytes) == 0 and data.on_gpu is None
    assert data.keep_on_gpu(0, room=X.nbytes + Y.nbytes) == X.nbytes + Y.nbytes


def test_a_generator_trains_as_arrays_do():
    def batches() -> Any:
        while True:
            for i in range(0, 40, 8):
                yield X[i : i + 8], Y[i : i + 8]

    a, _ = trained(x=batches(), y=None, steps_per_epoch=5, batch_size=None)
    b, _ = trained(x=X[:40], y=Y[:40], shuffle=False)
    assert_same_bits(a, b)


def test_callbacks_that_listen_to_batches_get_each_step():
    seen: list[float] = []

    class Listen(callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(logs["loss"])

    a, history = trained(callbacks=[Listen()])
    b, _ = trained()
    assert len(seen) == 12 and seen[-1] == history["loss"][-1]
    assert_same_bits(a, b)


@pytest.mark.parametrize("n", [1, 2, 300, 1100])
def test_predicts_many_rows_as_the_cpu_does(n):
    model = trained()[0]
    x = np.random.default_rng(0).integers(0, 256, size=(n, 6)).astype(np.uint8)
    found = model.predict(x, verbose=0)
    with convnet.device("cpu"):
        expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_large_rows_go_a_step_at_a_time():
    model = convnet.Sequential([layers.Input((1 << 15, 1)), layers.GlobalMaxPooling1D()])
    x = np.random.default_rng(0).random((260, 1 << 15, 1), dtype=np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), x.max(axis=1))


def test_metrics_computed_in_python_see_the_rows_of_their_step():
    results = []
    for device in ("gpu", "cpu"):
        with convnet.device(device):
            model = mlp(metrics=[convnet.metrics.TopKCategoricalAccuracy(k=2)])
            results.append(model.evaluate(X, Y, batch_size=8, verbose=0))
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_rows_that_an_array_on_the_gpu_lacks_are_found():
    graph = _core.Graph(1, {}, False, 0)
    x = graph.input([6], "x")
    plan = _core.Plan(graph, graph.add("unary", [x], {"fn": "relu"}), 4)
    results = [np.zeros((1, 6), np.float32)]
    with pytest.raises(IndexError, match=f"row {ROWS} is not among the {ROWS} rows"):
        plan.train({x: DeviceArray(X)}, np.array([ROWS]), 1, np.zeros((1, 2)), -1.0, results)
