"""Functions of two numbers: every way two operands can be broadcast, gradients, special numbers."""

from __future__ import annotations

import numpy as np
import pytest

from convnet import _core
from tests.ops.harness import Operand, batched, check, new_graph, run_op, weight
from tests.reference.binary import DIFFERENTIABLE, FORWARD
from tests.reference.broadcast import align

N = 18  # a full shard and a part of one

# Shapes of a and b; those of batched operands start with the batch.
SHAPES = {
    "same": ((N, 3, 4), (N, 3, 4)),
    "single-scalar": ((N, 3, 4), ()),
    "scalar-single": ((), (N, 3, 4)),
    "single-last-axis": ((N, 3, 4), (4,)),
    "single-first-axis": ((N, 3, 4), (3, 1)),
    "single-has-more-axes": ((N, 4), (3, 4)),
    "single-has-more-axes-to-repeat": ((N, 1), (2, 1, 4)),
    "batched-repeats-last": ((N, 3, 4), (N, 3, 1)),
    "batched-repeats-first": ((N, 4), (N, 3, 4)),
    "both-repeat": ((N, 3, 1), (N, 1, 4)),
    "both-repeat-single": ((N, 3, 1), (1, 4)),
    "scalars": ((N,), (N,)),
    "alternating": ((N, 2, 3, 2, 3), (N, 2, 1, 2, 1)),
}
SINGLE_SHAPES = {
    "same": ((5, 7), (5, 7)),
    "scalars": ((), ()),
    "scalar": ((5, 7), ()),
    "last-axis": ((5, 37), (37,)),
    "outer": ((5, 1), (1, 37)),
    "first-axis": ((5, 37), (5, 1)),
}


def operands(shapes: tuple, a_batched: bool, b_batched: bool, fn: str) -> list[Operand]:
    rng = np.random.default_rng(3)
    made = []
    for shape, has_batch in zip(shapes, (a_batched, b_batched), strict=True):
        x = rng.uniform(0.5, 3.0, size=shape) if fn == "power" else rng.normal(size=shape) * 3
        if fn.startswith(("logical", "equal", "not_equal", "keep", "drop")):
            x = np.round(x / 3)
        if fn in ("divide", "mod", "floor_divide"):
            x = np.sign(x) * (np.abs(x) + 0.5)
        made.append((batched if has_batch else weight)(x))
    return made


def compare(fn: str, a: Operand, b: Operand) -> None:
    def forward(*arrays):
        return [FORWARD[fn](*align(arrays, (a.batched, b.batched))) * 1.0]

    rng = np.random.default_rng(4)
    check(
        "binary",
        [a, b],
        {"fn": fn},
        forward,
        rng=rng,
        gradients=fn in DIFFERENTIABLE,
        tolerance=1e-4 if fn in DIFFERENTIABLE else 2e-5,
    )


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("fn", ["subtract", "multiply", "divide", "maximum"])
def test_broadcasting_with_a_batch(fn, shapes):
    a_batched, b_batched = shapes[0][:1] == (N,), shapes[1][:1] == (N,)
    compare(fn, *operands(shapes, a_batched, b_batched, fn))


@pytest.mark.parametrize("shapes", SINGLE_SHAPES.values(), ids=SINGLE_SHAPES)
@pytest.mark.parametrize("fn", ["subtract", "multiply", "divide", "maximum"])
def test_broadcasting_of_single_values(fn, shapes):
    compare(fn, *operands(shapes, False, False, fn))


@pytest.mark.parametrize("shapes", [((N, 5), (N, 5)), ((N, 5), ()), ((), (N, 5))])
@pytest.mark.parametrize("fn", FORWARD)
def test_value_and_gradient_follow_the_formula(fn, shapes):
    a, b = operands(shapes, shapes[0] != (), shapes[1] != (), fn)
    if fn in ("keep_where", "drop_where"):
        a.differentiable = False
    compare(fn, a, b)


@pytest.mark.parametrize("shape", [(N, 40, 40), (N, 1700)])
def test_large_values_are_cut_into_units(shape):
    rng = np.random.default_rng(5)
    a, b = batched(rng.normal(size=shape)), weight(rng.normal(size=shape[-1:]))
    got = [run_op("binary", [a, b], {"fn": "add"}, threads=t).outputs[0] for t in (1, 3)]
    for result in got:
        np.testing.assert_array_equal(result, a.array + b.array)


def test_folded_values_meet_single_ones_frame_by_frame():
    graph = new_graph()
    x, w = graph.input((2, 3, 4), "x"), graph.constant(np.arange(4.0))
    folded = graph.add("fold", [x])[0]
    y = graph.add("binary", [folded, w], {"fn": "multiply"})[0]
    out = graph.add("unfold", [y], {"count": 2})[0]
    rng = np.random.default_rng(6)
    array = rng.normal(size=(5, 2, 3, 4)).astype(np.float32)
    got = _core.Plan(graph, [out], 5).predict({x: array}, 5)[0]
    np.testing.assert_array_equal(got, array * np.arange(4, dtype=np.float32))


def test_equal_numbers_send_the_gradient_of_an_extreme_to_the_first_operand():
    x = np.ones((1, 2))
    for fn in ("maximum", "minimum"):
        got = run_op("binary", [batched(x), batched(x)], {"fn": fn}, [x])
        np.testing.assert_array_equal(got.gradients[0], x)
        np.testing.assert_array_equal(got.gradients[1], 0 * x)


@pytest.mark.parametrize("fn", ["maximum", "minimum", "add", "multiply", "mod", "power"])
def test_nan_of_either_operand_passes_through(fn):
    a, b = batched([[np.nan, 2.0]]), batched([[2.0, np.nan]])
    assert np.isnan(run_op("binary", [a, b], {"fn": fn}).outputs[0]).all()


def test_remainders_have_the_sign_of_the_divisor():
    a = np.float32([[5, -5, 5, -5, 7.5, 6, 0, 16777215, -5, 5]])
    b = np.float32([[3, 3, -3, -3, 2, 2, 3, 3, np.inf, np.inf]])
    for fn in ("mod", "floor_divide"):
        got = run_op("binary", [batched(a), batched(b)], {"fn": fn}).outputs[0]
        np.testing.assert_array_equal(got, FORWARD[fn](a, b))


def test_division_by_zero():
    a, b = np.float32([[1, -1, 0]]), np.zeros((1, 3), dtype=np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        for fn in ("divide", "floor_divide", "mod"):
            got = run_op("binary", [batched(a), batched(b)], {"fn": fn}).outputs[0]
            np.testing.assert_array_equal(got, FORWARD[fn](a, b))


@pytest.mark.parametrize(
    ("a", "b", "slope"), [(0.0, 2.0, 0.0), (0.0, 1.0, 1.0), (0.0, 0.0, 0.0), (-2.0, 3.0, 12.0)]
)
def test_gradient_of_a_power_at_and_below_zero(a, b, slope):
    got = run_op("binary", [batched([[a]]), batched([[b]])], {"fn": "power"}, [np.ones((1, 1))])
    np.testing.assert_array_equal(got.gradients[0], [[slope]])
    np.testing.assert_array_equal(got.gradients[1], [[0.0]])


def test_shapes_that_do_not_fit_are_named():
    graph = new_graph()
    a, b = graph.input((3, 4), "a"), graph.input((5,), "b")
    with pytest.raises(ValueError, match=r"binary: shapes \(3, 4\) and \(5,\) cannot be broadcast"):
        graph.add("binary", [a, b], {"fn": "add"})


def test_an_unknown_function_is_named():
    graph = new_graph()
    x = graph.input((3,), "x")
    with pytest.raises(ValueError, match="binary: there is no function 'plus'"):
        graph.add("binary", [x, x], {"fn": "plus"})
