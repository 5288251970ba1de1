"""Graphs of one lane: samples run one by one, read and written where the caller has them."""

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import guarded


class DenseNet:
    """x [K] -> softmax(relu(x @ w1 + b1) @ w2), in a graph of one lane."""

    def __init__(self, inputs=7, hidden=9, outputs=5, capacity=48, few=False):
        rng = np.random.default_rng(0)
        shapes = [(inputs, hidden), (hidden,), (hidden, outputs)]
        self.weights = [rng.normal(size=s).astype(np.float32) for s in shapes]
        self.graph = _core.Graph(1, few=few)
        self.x = self.graph.input((inputs,), "x")
        ids = [self.graph.parameter(w.shape, "w") for w in self.weights]
        self.hidden = self.graph.add("dense", [self.x, *ids[:2]], {"activation": "relu"})[0]
        logits = self.graph.add("dense", [self.hidden, ids[2], None])[0]
        self.y = self.graph.add("softmax", [logits])[0]
        self.capacity = capacity
        self.bound = dict(zip(ids, self.weights, strict=True))

    def plan(self, outputs):
        plan = _core.Plan(self.graph, outputs, self.capacity, in_place=True)
        for id, weights in self.bound.items():
            plan.bind(id, weights)
        return plan

    def predict(self, x):
        return self.plan([self.y]).predict({self.x: x}, len(x))[0]

    def expected(self, x):
        w1, b1, w2 = (w.astype(np.float64) for w in self.weights)
        powers = np.exp(np.maximum(x.astype(np.float64) @ w1 + b1, 0) @ w2)
        return powers / powers.sum(axis=-1, keepdims=True)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("n", [1, 3, 4, 7, 8, 9, 47, 48, 49, 200])
@pytest.mark.parametrize("sizes", [(7, 9, 5), (30, 70, 33), (5, 600, 17), (20, 310, 11)])
def test_predicts_any_number_of_rows(n, sizes, rng):
    net = DenseNet(*sizes)
    x = guarded(rng.normal(size=(n, sizes[0])) / 8)
    np.testing.assert_allclose(net.predict(x), net.expected(x), rtol=1e-4, atol=1e-6)


def test_reads_float32_where_it_lies(rng):
    net = DenseNet(inputs=100)
    plan = net.plan([net.y])
    x = rng.normal(size=(40, 100)).astype(np.float32)
    before = plan.predict({net.x: x}, 40)[0]
    x[17] = -x[17]
    after = plan.predict({net.x: x}, 40)[0]
    changed = (before != after).any(axis=1)
    assert changed[17] and changed.sum() == 1


@pytest.mark.parametrize("dtype", ["float64", "uint8", "int16", "uint32", "int64", "bool"])
def test_converts_every_other_dtype(dtype, rng):
    net = DenseNet()
    x = rng.integers(0, 2, size=(20, 7)).astype(dtype)
    np.testing.assert_allclose(net.predict(x), net.expected(x), rtol=1e-5)


def test_results_may_be_inputs_the_same_twice_and_steps_on_the_way(rng):
    net = DenseNet()
    x = rng.normal(size=(20, 7)).astype(np.float32)
    flat = net.graph.add("reshape", [net.hidden], {"shape": [3, 3]})[0]
    outputs = [net.y, net.x, net.hidden, net.y, flat]
    y, same, hidden, again, shaped = net.plan(outputs).predict({net.x: x}, 20)
    assert np.array_equal(same, x) and np.array_equal(y, again)
    np.testing.assert_allclose(y, net.expected(x), rtol=1e-5)
    w, b, _ = net.weights
    np.testing.assert_allclose(hidden, np.maximum(x @ w + b, 0), rtol=1e-5, atol=1e-6)
    assert np.array_equal(shaped, hidden.reshape(20, 3, 3))


@pytest.mark.parametrize("sizes", [(900, 10, 10), (64, 700, 40), (40, 800, 9)])
def test_bits_do_not_depend_on_the_number_of_threads(sizes, rng):
    net = DenseNet(*sizes, capacity=100)
    x = rng.normal(size=(250, sizes[0])).astype(np.float32) / 8
    try:
        _core.set_num_threads(1)
        expected = net.predict(x)
        for threads in (2, 3, 8):
            _core.set_num_threads(threads)
            for _ in range(20):
                assert np.array_equal(net.predict(x), expected)
    finally:
        _core.set_num_threads(0)


def test_for_many_samples_takes_only_what_is_fast_one_by_one():
    graph = _core.Graph(1, few=False)
    image = graph.input((8, 8, 3), "image")
    with pytest.raises(_core.NeedsLanes, match="conv2d needs 16 samples at once"):
        graph.add("conv2d", [image, graph.parameter((3, 3, 3, 4), "w"), None])


def test_only_predicts():
    net = DenseNet()
    with pytest.raises(ValueError, match="in place only predicts"):
        net.plan([net.y]).train(
            {net.x: np.zeros((4, 7), np.float32)}, np.arange(4), 4, np.zeros((1, 0))
        )
