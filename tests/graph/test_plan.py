"""Plans: feeding, binding, chunks, threads, errors."""

import threading

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import batched, run_op, weight


class DenseNet:
    """x [K] -> relu(x @ w1 + b1) @ w2, recorded as a graph."""

    def __init__(self, inputs=7, hidden=9, outputs=5, capacity=48, seed=0):
        rng = np.random.default_rng(seed)
        shapes = [(inputs, hidden), (hidden,), (hidden, outputs)]
        self.weights = [rng.normal(size=s).astype(np.float32) for s in shapes]
        self.graph = _core.Graph()
        self.x = self.graph.input((inputs,), "x")
        self.ids = [self.graph.parameter(w.shape, f"w{i}") for i, w in enumerate(self.weights)]
        hidden_id = self.graph.add("dense", [self.x, *self.ids[:2]], {"activation": "relu"})[0]
        self.y = self.graph.add("dense", [hidden_id, self.ids[2], None])[0]
        self.plan = _core.Plan(self.graph, [self.y], capacity)
        for id_, w in zip(self.ids, self.weights, strict=True):
            self.plan.bind(id_, w)

    def predict(self, x):
        return self.plan.predict({self.x: x}, len(x))[0]

    def expected(self, x):
        w1, b1, w2 = (w.astype(np.float64) for w in self.weights)
        return np.maximum(x @ w1 + b1, 0) @ w2


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 47, 48, 49, 200])
def test_predicts_any_number_of_rows_in_chunks(n, rng):
    net = DenseNet()
    x = rng.normal(size=(n, 7)).astype(np.float32)
    np.testing.assert_allclose(net.predict(x), net.expected(x), rtol=1e-5, atol=1e-5)


def test_samples_of_two_shards_are_halved():
    # A one is lost in a sum beside 2^24, and found where that lies in another shard.
    dy = np.zeros((20, 1), np.float32)
    dy[[0, 15, 19], 0] = 2**24, 1, -(2**24)
    operands = [batched(np.ones((20, 1))), weight(np.ones((1, 1))), weight(np.zeros(1))]
    assert run_op("dense", operands, {}, [dy]).gradients[2] == 1


@pytest.mark.parametrize(
    "dtype",
    [
        "float32",
        "float64",
        "uint8",
        "int8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "bool",
    ],
)
def test_converts_every_dtype_as_it_gathers(dtype, rng):
    net = DenseNet()
    x = rng.integers(0, 2, size=(20, 7)).astype(dtype)
    np.testing.assert_allclose(
        net.predict(x), net.expected(x.astype(np.float64)), rtol=1e-5, atol=1e-5
    )


def test_results_do_not_depend_on_the_number_of_threads(rng):
    net = DenseNet(capacity=500)
    x = rng.normal(size=(333, 7)).astype(np.float32)
    expected = net.predict(x)
    try:
        for threads in (1, 2, 3, 8):
            _core.set_num_threads(threads)
            assert np.array_equal(net.predict(x), expected)
    finally:
        _core.set_num_threads(0)


def test_many_threads_predict_with_one_plan_at_once(rng):
    net = DenseNet()
    x = rng.normal(size=(40, 7)).astype(np.float32)
    expected = net.predict(x)
    wrong = []

    def work():
        for _ in range(200):
            if not np.array_equal(net.predict(x), expected):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_allocates_nothing_after_the_first_run(rng):
    net = DenseNet()
    x = rng.normal(size=(40, 7)).astype(np.float32)
    net.predict(x)
    before = _core.allocations()
    for _ in range(50):
        net.predict(x)
    assert _core.allocations() == before


def test_a_weight_used_twice_receives_both_gradients(rng):
    w = rng.normal(size=(4, 4)).astype(np.float32)
    x = rng.normal(size=(19, 4)).astype(np.float32)
    dy = rng.normal(size=(19, 4)).astype(np.float32)
    graph = _core.Graph()
    xi, wi, dyi = graph.input((4,), "x"), graph.parameter((4, 4), "w"), graph.input((4,), "dy")
    first = graph.add("dense", [xi, wi, None])[0]
    y = graph.add("dense", [first, wi, None])[0]
    gradient = graph.backward([], {y: dyi})[wi]
    plan = _core.Plan(graph, [gradient], 32)
    plan.bind(wi, w)
    got = plan.predict({xi: x, dyi: dy}, 19)[0]
    w64 = w.astype(np.float64)
    expected = x.T @ (dy @ w64.T) + (x @ w64).T @ dy
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_folding_time_into_the_batch_is_a_view(rng):
    w = rng.normal(size=(3, 2)).astype(np.float32)
    x = rng.normal(size=(21, 5, 3)).astype(np.float32)
    graph = _core.Graph()
    xi, wi = graph.input((5, 3), "x"), graph.parameter((3, 2), "w")
    folded = graph.add("fold", [xi])[0]
    assert graph.shape(folded) == (3,) and graph.fold(folded) == 5
    y = graph.add("unfold", [graph.add("dense", [folded, wi, None])[0]], {"count": 5})[0]
    plan = _core.Plan(graph, [y], 32)
    plan.bind(wi, w)
    np.testing.assert_allclose(plan.predict({xi: x}, 21)[0], x @ w, rtol=1e-5, atol=1e-5)


def test_says_what_is_wrong_with_a_feed():
    net = DenseNet()
    with pytest.raises(
        ValueError,
        match=r"input 'x': expected at least one row of shape \(7,\), got an array of .* \(4, 6\)",
    ):
        net.predict(np.zeros((4, 6), np.float32))
    with pytest.raises(ValueError, match="expected at least one row"):
        net.predict(np.zeros((0, 7), np.float32))
    with pytest.raises(TypeError, match="complex64 cannot be fed"):
        net.predict(np.zeros((4, 7), np.complex64))
    with pytest.raises(ValueError, match="no array was given for input 'x'"):
        net.plan.predict({}, 3)


def test_says_what_is_wrong_with_a_binding():
    net = DenseNet()
    with pytest.raises(ValueError, match="w0: expected 63 elements, got 4"):
        net.plan.bind(net.ids[0], np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="expected a contiguous float32 array"):
        net.plan.bind(net.ids[0], np.zeros((7, 9)))
    with pytest.raises(ValueError, match="has no memory"):
        _core.Plan(net.graph, [net.y], 16).predict({net.x: np.zeros((1, 7), np.float32)}, 1)


def test_unknown_ops_values_and_misfits_are_value_errors():
    graph = _core.Graph()
    x = graph.input((7,), "x")
    with pytest.raises(ValueError, match="there is no op named 'dens'"):
        graph.add("dens", [x])
    with pytest.raises(ValueError, match="there is no value 99"):
        graph.add("dense", [x, 99, None])
    with pytest.raises(ValueError, match=r"dense: input \(7,\) does not fit kernel \(8, 3\)"):
        graph.add("dense", [x, graph.parameter((8, 3), "w"), None])
