"""Sums, means, extremes and products along axes of a sample."""

from __future__ import annotations

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import Operand, batched, check, new_graph, run_op, weight
from tests.reference.reduce import FORWARD

N = 18
AXES = [None, [0], [1], [2], [0, 1], [1, 2], [0, 2], [-1], [0, 1, 2], []]


def compare(x: Operand, fn: str, axes: list[int] | None, keepdims: bool) -> None:
    rank = x.array.ndim - x.batched
    counted = range(rank) if axes is None else [a % rank for a in axes]
    numpy_axes = tuple(a + x.batched for a in counted)

    def forward(x):
        return [FORWARD[fn](x, axis=numpy_axes, keepdims=keepdims) * 1.0]

    attrs = {"fn": fn, "keepdims": keepdims, **({} if axes is None else {"axes": axes})}
    gradients = fn not in ("any", "all")
    check("reduce", [x], attrs, forward, rng=np.random.default_rng(1), gradients=gradients)


def numbers(fn: str, shape: tuple[int, ...]) -> np.ndarray:
    x = np.random.default_rng(2).normal(size=shape)
    return (np.abs(x) > 1.2) * x if fn in ("any", "all") else x


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize("fn", FORWARD)
def test_batched_values(fn, axes):
    compare(batched(numbers(fn, (N, 3, 2, 5))), fn, axes, keepdims=False)


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize("fn", FORWARD)
def test_single_values(fn, axes):
    compare(weight(numbers(fn, (3, 2, 19))), fn, axes, keepdims=False)


@pytest.mark.parametrize("fn", FORWARD)
@pytest.mark.parametrize("make", [batched, weight])
def test_reduced_axes_can_be_kept(fn, make):
    compare(make(numbers(fn, (N, 3, 4))), fn, [0], keepdims=True)


@pytest.mark.parametrize("axes", [[0], [1], [2], [0, 1], [0, 2], None], ids=str)
@pytest.mark.parametrize("fn", ["sum", "mean", "max", "any"])
@pytest.mark.parametrize("shape", [(70, 3, 130), (2, 300, 70)])
def test_many_elements_on_any_number_of_threads(fn, axes, shape):
    x = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    attrs = {"fn": fn, **({} if axes is None else {"axes": axes})}
    numpy_axes = None if axes is None else tuple(axes)
    expected = FORWARD[fn](x.astype(np.float64), axis=numpy_axes)
    single = [run_op("reduce", [weight(x)], attrs, threads=t).outputs[0] for t in (1, 3)]
    np.testing.assert_array_equal(single[0], single[1])
    np.testing.assert_allclose(single[0], expected, rtol=1e-5, atol=1e-4)
    rows = np.stack([x, -x])
    got = [run_op("reduce", [batched(rows)], attrs, threads=t).outputs[0] for t in (1, 3)]
    np.testing.assert_array_equal(got[0], got[1])
    np.testing.assert_allclose(got[0][0], expected, rtol=1e-5, atol=1e-4)


def test_errors_of_long_sums_stay_small():
    x = np.full((1, 100_000), 0.1, dtype=np.float32)
    expected = np.float64(x[0]).sum()
    for operand in (batched(x), weight(x)):
        got = run_op("reduce", [operand], {"fn": "sum"}).outputs[0]
        np.testing.assert_allclose(got.ravel(), [expected], rtol=1e-5)


@pytest.mark.parametrize("fn", ["max", "min"])
def test_equal_extremes_share_the_gradient(fn):
    x = batched(np.float32([[1, 1, 0.5, 1] if fn == "max" else [1, 1, 2, 1]]))
    got = run_op("reduce", [x], {"fn": fn}, [np.float32([6])])
    np.testing.assert_allclose(got.gradients[0], [[2, 2, 0, 2]])


@pytest.mark.parametrize(
    ("x", "gradient"),
    [([2, 3, 4], [12, 8, 6]), ([2, 0, 4], [0, 8, 0]), ([0, 0, 4], [0, 0, 0])],
    ids=["no zero", "one zero", "two zeros"],
)
def test_gradient_of_a_product_is_the_product_of_the_others(x, gradient):
    got = run_op("reduce", [batched(np.float32([x]))], {"fn": "prod"}, [np.float32([1])])
    np.testing.assert_allclose(got.gradients[0], [gradient])


@pytest.mark.parametrize("fn", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize("make", [batched, weight])
def test_nan_passes_through(fn, make):
    x = np.ones((2, 40), dtype=np.float32)
    x[0, 1], x[1, 39] = np.nan, np.nan
    assert np.isnan(run_op("reduce", [make(x)], {"fn": fn, "axes": [-1]}).outputs[0]).all()


def test_folded_values_are_reduced_frame_by_frame():
    graph = new_graph()
    x = graph.input((2, 3, 4), "x")
    total = graph.add("reduce", graph.add("fold", [x]), {"fn": "sum", "axes": [0]})[0]
    assert (graph.shape(total), graph.fold(total)) == ((4,), 2)
    out = graph.add("unfold", [total], {"count": 2})[0]
    array = np.random.default_rng(4).normal(size=(5, 2, 3, 4)).astype(np.float32)
    got = _core.Plan(graph, [out], 5).predict({x: array}, 5)[0]
    np.testing.assert_allclose(got, array.sum(axis=2), rtol=1e-6)


def test_errors_name_the_axis():
    graph = new_graph()
    x = graph.input((3, 4), "x")
    with pytest.raises(ValueError, match=r"reduce: axis 2 is out of bounds for \(3, 4\)"):
        graph.add("reduce", [x], {"fn": "sum", "axes": [2]})
    with pytest.raises(ValueError, match="reduce: axis -1 is given twice"):
        graph.add("reduce", [x], {"fn": "sum", "axes": [1, -1]})
