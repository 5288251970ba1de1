"""Values of the whole batch: sums and means over samples, assignment, gradients that stop."""

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import batched, check, new_graph, run_op, weight

rng = np.random.default_rng(21)


@pytest.mark.parametrize("samples", [1, 15, 16, 33, 100])
@pytest.mark.parametrize("shape", [(), (5,), (3, 7)])
@pytest.mark.parametrize("op", ["batch_sum", "batch_mean"])
def test_reduces_over_samples(op, shape, samples):
    take = np.sum if op == "batch_sum" else np.mean
    x = batched(rng.normal(size=(samples, *shape)))
    check(op, [x], {}, lambda x: [take(x, axis=0)], rng=rng)


@pytest.mark.parametrize("lanes", [16, 1])
@pytest.mark.parametrize("samples", [1, 16, 37])
def test_broadcast_repeats_over_samples_and_leading_axes(samples, lanes):
    dy = rng.normal(size=4)
    like = batched(np.zeros((samples, 3, 4)))
    (sums,) = run_op("batch_broadcast", [weight(dy), like], {}, lanes=lanes).outputs
    np.testing.assert_allclose(sums, np.broadcast_to(dy, (samples, 3, 4)), rtol=1e-6)
    attrs = {"mean": True}
    (means,) = run_op("batch_broadcast", [weight(dy), like], attrs, lanes=lanes).outputs
    np.testing.assert_allclose(
        means, np.broadcast_to(dy, (samples, 3, 4)) / (3 * samples), rtol=1e-6
    )


@pytest.mark.parametrize("lanes", [16, 1])
def test_assign_gives_a_state_its_value_after_the_step(lanes):
    graph = new_graph(lanes)
    x = graph.input((3,), "x")
    state = graph.state((3,), "state")
    before = graph.add("binary", [x, state], {"fn": "add"})[0]
    graph.update("assign", [state, graph.add("batch_sum", [x])[0]])
    plan = _core.Plan(graph, [before], 8)
    memory = np.full(3, 10.0, np.float32)
    plan.bind(state, memory)
    data = rng.normal(size=(5, 3)).astype(np.float32)
    (result,) = plan.predict({x: data}, 5)
    np.testing.assert_allclose(result, data + 10.0, rtol=1e-6)
    np.testing.assert_allclose(memory, data.sum(axis=0), rtol=1e-5, atol=1e-6)


def test_assign_refuses_other_shapes():
    graph = new_graph()
    state = graph.state((3,), "state")
    with pytest.raises(ValueError, match=r"cannot assign \(2,\) to a variable of shape \(3,\)"):
        graph.update("assign", [state, graph.constant(np.zeros(2, np.float32))])


def test_no_gradient_goes_through_stop_gradient():
    graph = new_graph()
    x, w = graph.input((3,), "x"), graph.parameter((3,), "w")
    product = graph.add("binary", [x, w], {"fn": "multiply"})[0]
    stopped = graph.add("stop_gradient", [product])[0]
    total = graph.add("batch_sum", [graph.add("binary", [product, stopped], {"fn": "multiply"})[0]])
    gradients = graph.backward([], {total[0]: graph.constant(np.ones(3, np.float32))}, [w])
    plan = _core.Plan(graph, list(gradients.values()), 4)
    data, weights = (rng.normal(size=s).astype(np.float32) for s in ((4, 3), 3))
    plan.bind(w, weights)
    (gradient,) = plan.predict({x: data}, 4)
    np.testing.assert_allclose(gradient, (data * data * weights).sum(axis=0), rtol=1e-4)
