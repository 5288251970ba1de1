"""Batch normalisation in training and in inference."""

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import Operand, batched, check, new_graph, weight
from tests.reference import batch_norm as reference

SHAPES = [(40, 3), (1, 4, 5, 2), (16, 7, 13), (35, 3, 4, 21), (70, 9, 9, 1)]
EPSILON = 1e-3


def moving(channels, value=1.0):
    array = np.full(channels, value, np.float32)
    return Operand(array, batched=False, differentiable=False, state=True)


def weights(rng, channels, with_gamma=True, with_beta=True):
    return [
        weight(rng.normal(1.0, 0.5, size=channels)) if with_gamma else None,
        weight(rng.normal(size=channels)) if with_beta else None,
    ]


@pytest.mark.parametrize(("with_gamma", "with_beta"), [(True, True), (False, True), (True, False)])
@pytest.mark.parametrize("shape", SHAPES)
def test_training(shape, with_gamma, with_beta):
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=shape)
    operands = [batched(x), *weights(rng, shape[-1], with_gamma, with_beta)]
    operands += [moving(shape[-1]), moving(shape[-1])]

    def forward(x, gamma, beta, *_):
        return [reference.normalise_batch(x, gamma, beta, EPSILON)]

    def backward(x, gamma, beta, _, __, dy):
        dx, dgamma, dbeta = reference.normalise_batch_backward(x, gamma, dy, EPSILON)
        return [dx, dgamma if with_gamma else None, dbeta if with_beta else None, None, None]

    check("batch_norm_train", operands, {"epsilon": EPSILON}, forward, backward=backward, rng=rng)


@pytest.mark.parametrize("with_weights", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_inference(shape, with_weights):
    rng = np.random.default_rng(1)
    channels = shape[-1]
    operands = [
        batched(rng.normal(size=shape)),
        *weights(rng, channels, with_weights, with_weights),
    ]
    operands += [moving(channels, 0.5), moving(channels, 2.0)]

    def forward(x, gamma, beta, mean, var):
        return [reference.normalise(x, gamma, beta, mean, var, EPSILON)]

    def backward(x, gamma, beta, mean, var, dy):
        scale = (1.0 if gamma is None else gamma) / np.sqrt(var + EPSILON)
        axes = tuple(range(x.ndim - 1))
        z = (x - mean) / np.sqrt(var + EPSILON)
        return [dy * scale, (dy * z).sum(axis=axes), dy.sum(axis=axes), None, None]

    check(
        "batch_norm_inference", operands, {"epsilon": EPSILON}, forward, backward=backward, rng=rng
    )


def test_inference_of_a_single_value():
    rng = np.random.default_rng(2)
    operands = [weight(rng.normal(size=(4, 21)), differentiable=False), *weights(rng, 21)]
    operands += [moving(21, 0.5), moving(21, 2.0)]
    check(
        "batch_norm_inference",
        operands,
        {"epsilon": EPSILON},
        lambda *arrays: [reference.normalise(*arrays, EPSILON)],
        rng=rng,
        gradients=False,
    )


def train_step(x, threads=1, momentum=0.9, capacity=None, folded=False):
    """Output of one training step, and the moving averages after it (from 1 and 2)."""
    graph = new_graph()
    channels = x.shape[-1]
    data = graph.input(x.shape[1:], "x")
    value = graph.add("fold", [data])[0] if folded else data
    averages = [np.full(channels, v, np.float32) for v in (1, 2)]
    states = [graph.state((channels,), name) for name in ("mean", "variance")]
    attrs = {"momentum": momentum, "epsilon": EPSILON}
    y = graph.add("batch_norm_train", [value, None, None, *states], attrs)[0]
    y = graph.add("unfold", [y], {"count": x.shape[1]})[0] if folded else y
    plan = _core.Plan(graph, [y], capacity or len(x))
    for state, average in zip(states, averages, strict=True):
        plan.bind(state, average)
    _core.set_num_threads(threads)
    try:
        return plan.predict({data: x.astype(np.float32)}, len(x))[0], averages
    finally:
        _core.set_num_threads(0)


def test_moving_averages():
    x = np.random.default_rng(3).normal(size=(37, 5, 6))
    mean, var = reference.moments(x)
    _, averages = train_step(x)
    np.testing.assert_allclose(averages[0], 0.9 * 1 + 0.1 * mean, rtol=1e-6)
    np.testing.assert_allclose(averages[1], 0.9 * 2 + 0.1 * var, rtol=1e-6)


def test_each_step_moves_the_averages():
    x = np.random.default_rng(4).normal(size=(32, 3))
    _, averages = train_step(x, capacity=16)
    expected = np.ones(3)
    for part in (x[:16], x[16:]):
        expected = 0.9 * expected + 0.1 * part.mean(axis=0)
    np.testing.assert_allclose(averages[0], expected, rtol=1e-6)


def test_folded_samples_count_in_the_statistics():
    x = np.random.default_rng(5).normal(size=(9, 4, 3))
    y, _ = train_step(x, folded=True)
    np.testing.assert_allclose(y, reference.normalise_batch(x, None, None, EPSILON), atol=1e-5)


@pytest.mark.parametrize("offset", [1e2, 1e4])
def test_variance_far_from_zero_keeps_its_digits(offset):
    x = np.float32(np.random.default_rng(6).normal(offset, 1.0, size=(64, 30, 30, 1)))
    _, averages = train_step(x, momentum=0.0)
    np.testing.assert_allclose(averages[1], x.astype(np.float64).var(), rtol=1e-5)


def test_bits_do_not_depend_on_threads():
    x = np.random.default_rng(7).normal(size=(90, 5, 19))
    y, averages = train_step(x)
    for threads in (2, 3):
        other, other_averages = train_step(x, threads)
        assert np.array_equal(y, other)
        assert all(map(np.array_equal, averages, other_averages))


def test_weights_that_do_not_fit():
    graph = new_graph()
    states = [graph.state((n,), "state") for n in (3, 4)]
    with pytest.raises(ValueError, match=r"batch_norm_train: .*\(3,\).*\(4,\)"):
        graph.add("batch_norm_train", [graph.input((3,), "x"), None, None, *states])
