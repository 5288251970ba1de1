import numpy as np
import pytest

from convnet import config
from tests.ops.harness import batched, new_graph, run_op


def kept(shape, rate=0.3, noise_shape=(), seed=5, threads=1, plan_seed=1):
    """Outputs for an input of ones: 0 where dropped, 1 / (1 - rate) where kept."""
    attrs = {"rate": rate, "seed": seed, "noise_shape": list(noise_shape)}
    x = np.ones(shape, np.float32)
    return run_op("dropout", [batched(x)], attrs, threads=threads, seed=plan_seed).outputs[0]


def test_drops_about_the_rate_and_keeps_the_mean():
    y = kept((400, 250))
    assert abs((y == 0).mean() - 0.3) < 0.005
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)


def test_draws_of_samples_and_features_are_independent():
    y = (kept((2000, 40), rate=0.5) > 0).astype(np.float64) - 0.5
    correlation = y.T @ y / len(y) * 4
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 0.12


def test_seeds_of_node_and_plan_give_other_draws():
    first = kept((50, 30))
    assert np.array_equal(first, kept((50, 30)))
    assert not np.array_equal(first, kept((50, 30), seed=6))
    assert not np.array_equal(first, kept((50, 30), plan_seed=2))


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_draws_do_not_depend_on_the_number_of_threads(threads):
    assert np.array_equal(kept((333, 71), threads=threads), kept((333, 71)))


def test_axes_of_size_one_share_a_draw():
    y = kept((60, 5, 7), noise_shape=(1, 7))
    assert np.array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert 0.2 < (y[:, 0] == 0).mean() < 0.4


@pytest.mark.parametrize("noise_shape", [(), (1, 3)])
def test_the_gradient_passes_where_the_value_did(noise_shape):
    x = np.ones((21, 4, 3), np.float32)
    dy = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
    attrs = {"rate": 0.4, "seed": 1, "noise_shape": list(noise_shape)}
    result = run_op("dropout", [batched(x)], attrs, [dy])
    np.testing.assert_allclose(result.gradients[0], dy * result.outputs[0], rtol=1e-6)


@pytest.mark.parametrize("noise_shape", [(), (1, 3)])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("capacity", [21, 16])
def test_draws_do_not_depend_on_how_and_where_samples_lie(noise_shape, threads, rate, capacity):
    x = np.random.default_rng(1).normal(size=(21, 70, 3)).astype(np.float32)
    attrs = {"rate": rate, "seed": 1, "noise_shape": list(noise_shape)}
    with config.device("cpu"):
        side_by_side = run_op("dropout", [batched(x)], attrs, [x], capacity=capacity)
    options = {"threads": threads, "capacity": capacity}
    one_by_one = run_op("dropout", [batched(x)], attrs, [x], lanes=1, **options)
    assert np.array_equal(side_by_side.outputs[0], one_by_one.outputs[0])
    assert np.array_equal(side_by_side.gradients[0], one_by_one.gradients[0])


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_the_extreme_rates(rate):
    assert np.array_equal(kept((20, 5), rate=rate), np.full((20, 5), 1 - rate))


def test_says_what_is_wrong_with_the_rate():
    graph = new_graph()
    with pytest.raises(ValueError, match="rate must be from 0 to 1"):
        graph.add("dropout", [graph.input((3,), "x")], {"rate": 1.5})
