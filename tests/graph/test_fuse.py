"""Fusion: fewer nodes, the same results and gradients."""

import numpy as np
import pytest

from convnet import _core


class Chain:
    """A convolution or dense layer of x [4, 3, 5] and what follows it, step by step."""

    def __init__(self, first):
        rng = np.random.default_rng(3)
        self.x = rng.normal(size=(19, 4, 3, 5)).astype(np.float32)
        shape = (5, 6) if first == "dense" else (2, 3, 5, 6)
        self.w = rng.normal(size=shape).astype(np.float32)
        self.graph = _core.Graph()
        self.ids = self.graph.input(self.x.shape[1:], "x"), self.graph.parameter(shape, "w")
        self.values = [self.graph.add(first, [*self.ids, None])[0]]

    def add(self, op, **attrs):
        self.values.append(self.graph.add(op, [self.values[-1]], attrs)[0])
        return self

    def fuse(self, *keep):
        """How many nodes are gone."""
        before = len(self.graph)
        self.graph.fuse([self.values[-1], *keep])
        return before - len(self.graph)

    def results(self):
        """The last value and, for a random gradient of it, those of x and w."""
        y = self.values[-1]
        dy = np.random.default_rng(4).normal(size=(19, *self.graph.shape(y))).astype(np.float32)
        seed = self.graph.input(dy.shape[1:], "dy")
        found = self.graph.backward([], {y: seed}, list(self.ids))
        plan = _core.Plan(self.graph, [y, *(found[i] for i in self.ids)], 19)
        plan.bind(self.ids[1], self.w)
        return plan.predict({self.ids[0]: self.x, seed: dy}, 19)


def reshaped(chain):
    return chain.add("reshape", shape=[-1]).add("unary", fn="relu").add("softmax")


def twice_seen(chain):
    chain.add("reshape", shape=[-1, 2]).add("reshape", shape=[-1, 3])
    return chain.add("unary", fn="tanh").add("reduce", fn="max", axes=[1])


def folded(chain):
    return chain.add("fold").add("unary", fn="sigmoid").add("unfold", count=chain.rows)


@pytest.mark.parametrize("first", ["conv2d", "dense"])
@pytest.mark.parametrize("follow", [reshaped, twice_seen, folded])
def test_an_activation_is_fused_through_views(first, follow):
    plain, fused = Chain(first), Chain(first)
    for chain in (plain, fused):
        chain.rows = 3 if first == "conv2d" else 4
        follow(chain)
    assert fused.fuse() == 1
    for a, b in zip(plain.results(), fused.results(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)


def test_an_activation_is_not_fused_where_a_view_of_what_comes_before_is_used():
    chain = Chain("conv2d").add("reshape", shape=[-1])
    seen = chain.values[-1]
    chain.add("unary", fn="relu")
    chain.values.append(chain.graph.add("binary", [chain.values[-1], seen], {"fn": "add"})[0])
    assert chain.fuse() == 0


def test_an_activation_is_not_fused_where_a_view_of_what_comes_before_is_kept():
    chain = Chain("conv2d").add("reshape", shape=[-1])
    seen = chain.values[-1]
    chain.add("unary", fn="relu")
    assert chain.fuse(seen) == 0


def test_a_pool_is_not_fused_through_a_view():
    chain = Chain("conv2d").add("reshape", shape=[2, 3, 3])
    assert chain.add("max_pool", size=[2, 2], strides=[2, 2]).fuse() == 0
