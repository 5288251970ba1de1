"""Updates whose units touch the same elements follow each other, and what makes a gradient that
nobody else reads: a thread takes a piece of the elements through all of them.
"""

import numpy as np
import pytest

from convnet import _core

SAMPLES, K, M = 40, 300, 200


class Net:
    """The gradient of a dense layer's kernel, with data, and memory of the kernel's size."""

    def __init__(self, lanes: int = 16) -> None:
        rng = np.random.default_rng(0)
        self.graph = _core.Graph(lanes)
        self.x = self.graph.input((K,), "x")
        kernel = self.graph.parameter((K, M), "kernel")
        y = self.graph.add("dense", [self.x, kernel, None])[0]
        self.dy = self.graph.input((M,), "dy")
        self.gradient = self.graph.backward([], {y: self.dy})[kernel]
        self.unit = self.graph.made_by_unit(self.gradient)
        self.memory = {kernel: np.zeros((K, M), np.float32)}
        self.feeds = {
            self.x: rng.normal(size=(SAMPLES, K)).astype(np.float32),
            self.dy: rng.normal(size=(SAMPLES, M)).astype(np.float32),
        }
        self.expected = (self.feeds[self.x].T.astype(float) @ self.feeds[self.dy]).ravel()

    def state(self) -> int:
        id = self.graph.state((K * M,), "state")
        self.memory[id] = np.zeros(K * M, np.float32)
        return id

    def train(self, bound=()):
        """Calls by op in one step with a learning rate of 1."""
        plan = _core.Plan(self.graph, [], SAMPLES, list(bound))
        for id, memory in self.memory.items():
            plan.bind(id, memory)
        plan.timed = True
        plan.train(self.feeds, np.arange(SAMPLES), SAMPLES, np.array([[1.0, 0.0]]))
        return {call["op"]: call["calls"] for call in plan.profile()["calls"]}

    def close(self, id, expected):
        np.testing.assert_allclose(self.memory[id], expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(autouse=True)
def _restore_threads():
    _core.set_num_threads(1)
    yield
    _core.set_num_threads(0)


@pytest.mark.parametrize("lanes", [1, 16])
def test_a_piece_goes_through_the_whole_chain(lanes):
    net = Net(lanes)
    weights, average, block = net.state(), net.state(), {"block": net.unit}
    net.graph.update("clip_value", [net.gradient], {"value": 2.0} | block)
    net.graph.update("sgd", [weights, net.gradient], block)
    net.graph.update("ema", [weights, average], {"momentum": 0.5} | block)
    calls = net.train()
    assert calls["dense_backward_weight"] > 3
    for op in ("clip_value", "sgd", "ema"):
        assert calls[op] == calls["dense_backward_weight"]
    net.close(weights, -net.expected.clip(-2, 2))
    net.close(average, -net.expected.clip(-2, 2))


def test_updates_of_one_cut_follow_each_other_without_a_gradient_of_their_own():
    net = Net()
    gradients, weights, average = net.state(), net.state(), net.state()
    net.memory[gradients][:] = np.arange(K * M)
    net.graph.update("sgd", [weights, gradients])
    net.graph.update("ema", [weights, average], {"momentum": 0.5})
    calls = net.train()
    assert calls["sgd"] == calls["ema"] > 3
    net.close(average, -np.arange(K * M))


def test_another_cut_needs_the_whole_gradient():
    net = Net()
    weights = net.state()
    net.graph.update("sgd", [weights, net.gradient], {"block": net.unit + 1})
    assert net.train()["dense_backward_weight"] == 1
    net.close(weights, -net.expected)


def test_a_gradient_that_others_read_is_whole():
    net = Net()
    weights, average = net.state(), net.state()
    net.graph.update("sgd", [weights, net.gradient], {"block": net.unit})
    net.graph.update("ema", [net.gradient, average], {"momentum": 0.5})
    assert net.train()["dense_backward_weight"] == 1
    net.close(weights, -net.expected)
    net.close(average, net.expected)


def test_a_gradient_that_is_bound_is_whole():
    net = Net()
    weights = net.state()
    net.graph.update("sgd", [weights, net.gradient], {"block": net.unit})
    net.memory[net.gradient] = np.zeros(K * M, np.float32)
    assert net.train([net.gradient])["dense_backward_weight"] == 1
    net.close(net.gradient, net.expected)


def test_a_gradient_that_a_node_reads_is_whole():
    net = Net()
    weights = net.state()
    net.graph.update("sgd", [weights, net.gradient], {"block": net.unit})
    net.memory[twice := net.graph.add("binary", [net.gradient] * 2, {"fn": "add"})[0]] = np.zeros(
        K * M, np.float32
    )
    assert net.train([twice])["dense_backward_weight"] == 1
    net.close(twice, 2 * net.expected)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_updates_of_two_weights_by_one_gradient_share_its_pieces(threads):
    _core.set_num_threads(threads)
    net = Net()
    first, second = net.state(), net.state()
    net.graph.update("sgd", [first, net.gradient], {"block": net.unit})
    net.graph.update("sgd", [second, net.gradient], {"block": net.unit})
    net.train()
    net.close(first, -net.expected)
    net.close(second, -net.expected)
