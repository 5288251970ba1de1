"""Ops along one axis of a sample: softmax, log_softmax, cumsum, argmax, argmin."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.harness import batched, check, new_graph, run_op, weight
from tests.reference.axis import FORWARD

N = 18


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("make", [batched, weight])
@pytest.mark.parametrize("op", FORWARD)
def test_follows_the_formula_along_every_axis(op, make, axis):
    rng = np.random.default_rng(1)
    shape = (N, 3, 7, 2) if make is batched else (3, 7, 19)
    numpy_axis = axis if axis < 0 else axis + (make is batched)
    x = make(rng.normal(size=shape) * 2)
    gradients = not op.startswith("arg")
    check(
        op,
        [x],
        {"axis": axis},
        lambda x: [FORWARD[op](x, axis=numpy_axis)],
        rng=rng,
        gradients=gradients,
    )


@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
def test_the_last_axis_is_the_default(op):
    x = np.random.default_rng(2).normal(size=(N, 3, 5)).astype(np.float32)
    got = run_op(op, [batched(x)]).outputs[0]
    np.testing.assert_allclose(got, FORWARD[op](x.astype(np.float64), -1), rtol=1e-5)


@pytest.mark.parametrize("op", FORWARD)
@pytest.mark.parametrize("shape", [(2, 700, 3), (2, 3, 700), (2, 1000), (3, 2500)])
def test_bits_do_not_depend_on_how_columns_are_cut(op, shape):
    x = batched(np.random.default_rng(3).normal(size=shape))
    results = [run_op(op, [x], {"axis": 0}, threads=t).outputs[0] for t in (1, 2, 3)]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    expected = FORWARD[op](x.array.astype(np.float64), axis=1)
    np.testing.assert_allclose(results[0], expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
def test_gradients_along_a_long_axis(op):
    rng = np.random.default_rng(4)
    x, dy = rng.normal(size=(2, 2, 1500)), rng.normal(size=(2, 2, 1500))
    y = FORWARD["softmax"](x, -1)
    share = y * dy if op == "softmax" else dy
    expected = share - y * share.sum(-1, keepdims=True)
    got = run_op(op, [batched(x)], {}, [dy]).gradients[0]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_softmax_of_huge_numbers_does_not_overflow():
    x = np.float32([[1e4, 1e4 - 1, -1e4], [-3e38, 3e38, 0]])
    expected = FORWARD["softmax"](x.astype(np.float64), -1)
    np.testing.assert_allclose(run_op("softmax", [batched(x)]).outputs[0], expected, atol=1e-7)


def test_log_softmax_keeps_small_probabilities_apart():
    x = np.float32([[0, -200, -300]])
    np.testing.assert_allclose(run_op("log_softmax", [batched(x)]).outputs[0], x)


def test_cumsum_can_run_backwards():
    x = np.float32([[1, 2, 3]])
    got = run_op("cumsum", [batched(x)], {"axis": 0, "reverse": True}, [x])
    np.testing.assert_array_equal(got.outputs[0], [[6, 5, 3]])
    np.testing.assert_array_equal(got.gradients[0], [[1, 3, 6]])


@pytest.mark.parametrize("op", ["argmax", "argmin"])
def test_the_first_of_equal_extremes_and_of_nans(op):
    sign = 1 if op == "argmax" else -1
    x = sign * np.float32([[0, 7, 7, 1], [np.nan, 9, np.nan, 9], [1, 9, np.nan, np.nan]])
    np.testing.assert_array_equal(run_op(op, [batched(x)]).outputs[0], [1, 0, 2])


@pytest.mark.parametrize("op", ["argmax", "argmin"])
@pytest.mark.parametrize("size", [3, 60, 3000])
def test_zeros_of_either_sign_are_equal(op, size):
    x = np.full((1, size), -1.0 if op == "argmax" else 1.0, np.float32)
    x[0, 1], x[0, -1] = (-0.0, 0.0) if op == "argmax" else (0.0, -0.0)
    np.testing.assert_array_equal(run_op(op, [batched(x)]).outputs[0], [1])


def test_argmax_can_keep_its_axis():
    x = batched(np.eye(4)[None])
    got = run_op("argmax", [x], {"axis": 0, "keepdims": True}).outputs[0]
    np.testing.assert_array_equal(got, [[[0, 1, 2, 3]]])


def test_an_axis_out_of_bounds_is_named():
    graph = new_graph()
    x = graph.input((3, 4), "x")
    with pytest.raises(ValueError, match=r"softmax: axis 2 is out of bounds for \(3, 4\)"):
        graph.add("softmax", [x], {"axis": 2})
