"""Means of losses and metrics over the batch, and the accumulators that sum them over steps."""

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import new_graph


def run_mean(op, values, weights, *, capacity, threads=1, gradient=True, scale=1.0, lanes=16):
    """Accumulated [total, count] and the gradient of the values."""
    graph = new_graph(lanes)
    feeds = {graph.input(values.shape[1:], "values"): values.astype(np.float32)}
    ids = [*feeds, None]
    if weights is not None:
        ids[1] = graph.input(weights.shape[1:], "weights")
        feeds[ids[1]] = weights.astype(np.float32)
    mean = graph.add(op, ids, {"scale": scale} if op == "loss_mean" else {})[0]
    sums = np.zeros(2)
    sums_id = graph.accumulator("sums")
    wrt = graph.backward([mean], {}, [ids[0]]) if gradient else {}
    graph.update("accumulate", [mean, sums_id])
    plan = _core.Plan(graph, list(wrt.values()), capacity)
    plan.bind(sums_id, sums)
    _core.set_num_threads(threads)
    try:
        results = plan.predict(feeds, len(values))
    finally:
        _core.set_num_threads(0)
    return sums, results[0] if results else None


CASES = [
    ((1,), None),
    ((40,), ()),
    ((33, 5), ()),
    ((20, 5, 3), (5,)),
    ((7, 300), (300,)),
    ((64, 3, 2), None),
]


every_form = pytest.mark.parametrize("lanes", [16, 1])


@every_form
@pytest.mark.parametrize("scale", [1.0, 0.25])
@pytest.mark.parametrize(("shape", "weight_shape"), CASES)
def test_loss_mean_is_the_weighted_mean_of_live_samples(shape, weight_shape, scale, lanes):
    rng = np.random.default_rng(0)
    n, values = shape[0], rng.normal(size=shape)
    weights = None if weight_shape is None else rng.uniform(size=(n, *weight_shape))
    sums, gradient = run_mean("loss_mean", values, weights, capacity=n, scale=scale, lanes=lanes)
    w = np.ones(n) if weights is None else weights
    full = np.broadcast_to(w.reshape(w.shape + (1,) * (values.ndim - w.ndim)), shape)
    features = values[0].size
    expected = [scale * (full * values).sum() / features, full.sum() / features]
    np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient, scale * full / (features * n), rtol=1e-6)


@every_form
def test_bits_do_not_depend_on_threads(lanes):
    rng = np.random.default_rng(1)
    values, weights = rng.normal(size=(90, 33)), rng.uniform(size=90)
    results = [
        run_mean("loss_mean", values, weights, capacity=90, threads=t, lanes=lanes)
        for t in (1, 2, 3)
    ]
    for sums, gradient in results[1:]:
        assert np.array_equal(sums, results[0][0])
        assert np.array_equal(gradient, results[0][1])


@every_form
def test_gradients_of_lanes_beyond_the_batch_are_zero(lanes):
    graph = new_graph(lanes)
    x = graph.input((1,), "x")
    gradient = graph.backward([graph.add("loss_mean", [x, None])[0]], {}, [x])[x]
    total = graph.add("sum_samples", [gradient], {"keep": 1})
    plan = _core.Plan(graph, graph.add("slot_sum", total), 3)
    assert plan.predict({x: np.ones((3, 1), np.float32)}, 3)[0] == pytest.approx(1.0)


@every_form
def test_a_metric_sums_over_steps(lanes):
    rng = np.random.default_rng(2)
    values, weights = rng.normal(size=(50, 4)), rng.uniform(size=50)
    sums, _ = run_mean("metric_mean", values, weights, capacity=16, gradient=False, lanes=lanes)
    np.testing.assert_allclose(
        sums[0] / sums[1], np.average(values.mean(1), weights=weights), rtol=1e-5
    )
    np.testing.assert_allclose(sums[1], weights.sum(), rtol=1e-6)


@every_form
@pytest.mark.parametrize(("count", "expected"), [("samples", 6.0), ("weights", 3.0)])
def test_count_of_samples_or_weights(count, expected, lanes):
    graph = new_graph(lanes)
    x, w = graph.input((), "x"), graph.input((), "w")
    sums, sums_id = np.array([1.0, 2.0]), graph.accumulator("sums")
    graph.update("accumulate", [graph.add("loss_mean", [x, w])[0], sums_id], {"count": count})
    plan = _core.Plan(graph, [], 6)
    plan.bind(sums_id, sums)
    plan.predict({x: np.full(6, 4, np.float32), w: np.full(6, 0.5, np.float32)}, 6)
    np.testing.assert_allclose(sums, [1 + 12, 2 + expected])


@every_form
def test_a_scalar_counts_once_for_every_sample(lanes):
    graph = new_graph(lanes)
    x, scalar = graph.input((), "x"), graph.state((), "penalty")
    sums, sums_id = np.zeros(2), graph.accumulator("sums")
    graph.update("accumulate", [scalar, sums_id])
    plan = _core.Plan(graph, [x], 16)
    plan.bind(sums_id, sums)
    plan.bind(scalar, np.float32([0.5])[0:1])
    plan.predict({x: np.zeros(20, np.float32)}, 20)
    np.testing.assert_allclose(sums, [10.0, 20.0])


@pytest.mark.parametrize(("values", "weights"), [((3,), (2,)), ((2, 3), (3,)), ((), (1,))])
def test_weights_that_do_not_fit(values, weights):
    graph = new_graph()
    with pytest.raises(ValueError, match="loss_mean: weights"):
        graph.add("loss_mean", [graph.input(values, "v"), graph.input(weights, "w")])
