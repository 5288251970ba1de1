"""Max and average pooling: any window, step and padding."""

import numpy as np
import pytest

from tests.ops.harness import batched, check, run_op, weight
from tests.reference import pool as reference

CASES = {
    "2x2": ((6, 8, 3), [2, 2], [2, 2], [0, 0, 0, 0]),
    "2x2 with a rest": ((7, 5, 2), [2, 2], [2, 2], [0, 0, 0, 0]),
    "2x2 same": ((7, 5, 2), [2, 2], [2, 2], [0, 1, 0, 1]),
    "3x3 step 2 same": ((8, 9, 2), [3, 3], [2, 2], [0, 1, 1, 1]),
    "3x3 step 1 same": ((5, 6, 17), [3, 3], [1, 1], [1, 1, 1, 1]),
    "3x3 step 3": ((9, 9, 1), [3, 3], [3, 3], [0, 0, 0, 0]),
    "gaps": ((9, 11, 2), [2, 1], [3, 4], [0, 0, 0, 0]),
    "row": ((1, 10, 5), [1, 3], [1, 2], [0, 0, 1, 1]),
    "column": ((10, 1, 5), [4, 1], [3, 1], [2, 1, 0, 0]),
    "global": ((5, 7, 3), [5, 7], [5, 7], [0, 0, 0, 0]),
    "5x4 step 2x3": ((11, 10, 2), [5, 4], [2, 3], [4, 3, 2, 1]),
}
OPS = {"max_pool": np.max, "avg_pool": np.mean}


def attributes(size, strides, padding):
    return {"size": size, "strides": strides, "padding": padding}


@pytest.mark.parametrize("n", [1, 35])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("op", OPS)
def test_batches(op, case, n):
    rng = np.random.default_rng(0)
    shape, *window = CASES[case]
    backward = getattr(reference, f"{op}_backward")
    check(
        op,
        [batched(rng.normal(size=(n, *shape)))],
        attributes(*window),
        lambda x: [reference.pool(OPS[op], x, *window)],
        backward=lambda x, dy: [backward(x, dy, *window)],
        rng=rng,
        tolerance=1e-6,
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("op", OPS)
def test_leading_axes_are_images_of_their_own(op, case):
    rng = np.random.default_rng(1)
    shape, *window = CASES[case]
    backward = getattr(reference, f"{op}_backward")
    check(
        op,
        [batched(rng.normal(size=(3, 2, *shape)))],
        attributes(*window),
        lambda x: [reference.pool(OPS[op], x, *window)],
        backward=lambda x, dy: [backward(x, dy, *window)],
        rng=rng,
        tolerance=1e-6,
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("op", OPS)
def test_single_values(op, case):
    rng = np.random.default_rng(2)
    shape, *window = CASES[case]
    check(
        op,
        [weight(rng.normal(size=(2, *shape)))],
        attributes(*window),
        lambda x: [reference.pool(OPS[op], x, *window)],
        backward=lambda x, dy: [reference.avg_pool_backward(x, dy, *window)],
        rng=rng,
        tolerance=1e-6,
        gradients=op == "avg_pool",
    )


@pytest.mark.parametrize("case", CASES)
def test_the_first_of_equal_elements_gets_the_gradient(case):
    rng = np.random.default_rng(3)
    shape, *window = CASES[case]
    x = rng.integers(3, size=(20, *shape)).astype(np.float64)
    dy = rng.normal(size=reference.pool(np.max, x, *window).shape)
    got = run_op("max_pool", [batched(x)], attributes(*window), [dy])
    expected = reference.max_pool_backward(x, dy, *window)
    np.testing.assert_allclose(got.gradients[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_not_a_number_is_the_largest(size):
    x = np.zeros((2, 4, 4, 1))
    x[1, 1, 1] = np.nan
    y = run_op("max_pool", [batched(x)], attributes([size] * 2, [1, 1], [0] * 4)).outputs[0]
    assert np.isnan(y[1, :2, :2]).all()
    assert np.isfinite(y[0]).all() and np.isfinite(y[1, 2:]).all()


def test_infinitely_small_elements_have_a_winner():
    x = np.full((1, 2, 2, 1), -np.inf)
    got = run_op(
        "max_pool", [batched(x)], attributes([2, 2], [2, 2], [0] * 4), [np.ones((1, 1, 1, 1))]
    )
    assert got.outputs[0].item() == -np.inf
    np.testing.assert_array_equal(got.gradients[0].ravel(), [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("attrs", "words"),
    [
        ({"size": [2]}, "size must be"),
        ({"size": [2, 2], "strides": [0, 1]}, "strides must be"),
        ({"size": [2, 2], "padding": [2, 0, 0, 0]}, "less than the window"),
        ({"size": [5, 2]}, "does not fit an image of 4 x 4"),
    ],
)
@pytest.mark.parametrize("op", OPS)
def test_bad_attributes(op, attrs, words):
    with pytest.raises(ValueError, match=f"{op}: .*{words}"):
        run_op(op, [batched(np.zeros((1, 4, 4, 1)))], attrs)
