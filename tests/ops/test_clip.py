"""Clipping of flat gradients, by value and by norm."""

import numpy as np
import pytest

from tests.ops.flat import run_updates
from tests.reference.weights import clip_norm

OFFSETS = [0, 1, 1, 38, 1062, 3110, 3133, 9000]


def clipped(op, g, attrs, threads=1):
    buffers = {"g": g.astype(np.float32)}
    run_updates([(op, ["g"], attrs)], buffers, threads=threads)
    return buffers["g"]


@pytest.mark.parametrize("size", [1, 17, 9001])
def test_clip_value(size):
    g = np.random.default_rng(0).normal(size=size)
    np.testing.assert_allclose(
        clipped("clip_value", g, {"value": 0.5}), np.clip(g, -0.5, 0.5), rtol=1e-6
    )


def test_clip_value_keeps_nan():
    assert np.isnan(clipped("clip_value", np.array([np.nan, 1.0]), {"value": 0.5})[0])


@pytest.mark.parametrize("offsets", [OFFSETS, list(range(0, 9001, 30))], ids=["few", "many"])
@pytest.mark.parametrize("limit", [1e-3, 10.0, 1e6])
def test_clip_norm_of_each_variable(limit, offsets):
    g = np.random.default_rng(1).normal(size=9000)
    got = clipped("clip_norm", g, {"norm": limit, "offsets": offsets})
    np.testing.assert_allclose(got, clip_norm(g, limit, offsets), rtol=2e-6)


@pytest.mark.parametrize("size", [1, 5000])
@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_global_clip_norm(size, limit):
    g = np.random.default_rng(2).normal(size=size)
    got = clipped("global_clip_norm", g, {"norm": limit})
    np.testing.assert_allclose(got, clip_norm(g, limit, [0, size]), rtol=2e-6)


@pytest.mark.parametrize("op", ["clip_norm", "global_clip_norm"])
def test_zero_gradients_stay(op):
    assert not clipped(op, np.zeros(100), {"norm": 1.0}).any()


def test_elements_outside_of_all_variables_stay():
    got = clipped("clip_norm", np.full(40, 9.0), {"norm": 1.0, "offsets": [10, 20]})
    np.testing.assert_array_equal(np.flatnonzero(got != 9), np.arange(10, 20))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_norm_that_is_not_finite_makes_the_global_result_nan(bad):
    g = np.ones(3000)
    g[7] = bad
    assert np.isnan(clipped("global_clip_norm", g, {"norm": 1.0})).all()


@pytest.mark.parametrize(
    ("op", "attrs"), [("clip_norm", {"offsets": OFFSETS}), ("global_clip_norm", {})]
)
def test_bits_do_not_depend_on_threads(op, attrs):
    g = np.random.default_rng(3).normal(size=9000)
    results = [clipped(op, g, {"norm": 0.7, **attrs}, threads) for threads in (1, 2, 3)]
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


@pytest.mark.parametrize("offsets", [[0, 5, 3], [0, 11], [-1, 3], [0]])
def test_bad_offsets(offsets):
    with pytest.raises(ValueError, match="clip_norm: offsets"):
        clipped("clip_norm", np.zeros(10), {"norm": 1.0, "offsets": offsets})
