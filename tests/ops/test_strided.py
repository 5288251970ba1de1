"""Data movement: transpose, slice, reverse, tile, pad and concat, batched and single."""

import itertools
import math

import numpy as np
import pytest

from tests.ops.harness import batched, check, run_op, weight

SIZES = [1, 16, 21]


def operands(shape, n, seed=0):
    """The same values as a batch, and as a single value."""
    rng = np.random.default_rng(seed)
    return rng, [batched(rng.normal(size=(n, *shape)))], [weight(rng.normal(size=shape))]


def check_both(op, shape, attrs, function, n=21, tolerance=1e-7):
    """`function` maps one sample, an array of `shape`, to the result."""
    rng, batch, single = operands(shape, n)

    source = function(np.arange(1.0, 1 + math.prod(shape)).reshape(shape))

    def back(dy):
        """Gradients go where elements came from, but for what was filled in."""
        moved = source >= 1
        gradient = np.zeros(math.prod(shape))
        np.add.at(gradient, source[moved].astype(int) - 1, dy[moved])
        return gradient.reshape(shape)

    def each_sample(function):
        return lambda *arrays: [np.stack([function(sample) for sample in arrays[-1]])]

    options = {"rng": rng, "tolerance": tolerance}
    check(op, batch, attrs, each_sample(function), backward=each_sample(back), **options)
    check(op, single, attrs, lambda x: [function(x)], backward=lambda _, dy: [back(dy)], **options)


@pytest.mark.parametrize("perm", list(itertools.permutations(range(3))))
def test_transpose(perm):
    check_both("transpose", (3, 5, 4), {"perm": list(perm)}, lambda x: x.transpose(perm))


@pytest.mark.parametrize(
    ("shape", "perm"),
    [((1,), (0,)), ((7,), (0,)), ((40, 70), (1, 0)), ((2, 1, 3, 2, 2), (4, 1, 0, 3, 2))],
)
def test_transpose_of_other_ranks(shape, perm):
    check_both("transpose", shape, {"perm": list(perm)}, lambda x: x.transpose(perm))


@pytest.mark.parametrize(
    ("shape", "begin", "size", "strides"),
    [
        ((9,), [2], [3], [2]),
        ((5, 6, 3), [1, 0, 0], [3, 6, 3], [1, 1, 1]),
        ((5, 6, 3), [0, 2, 1], [3, 2, 1], [2, 3, 1]),
        ((5, 6, 3), [4, 5, 0], [1, 1, 2], [1, 1, 2]),
        ((4, 5), [0, 0], [4, 5], [1, 1]),
        ((4, 5), [1, 0], [0, 5], [1, 1]),
    ],
)
def test_slice(shape, begin, size, strides):
    where = tuple(slice(b, b + n * s, s) for b, n, s in zip(begin, size, strides, strict=True))
    attrs = {"begin": begin, "size": size, "strides": strides}
    check_both("slice", shape, attrs, lambda x: x[where])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_reverse(axis):
    check_both("reverse", (3, 4, 5), {"axis": axis}, lambda x: np.flip(x, axis))


@pytest.mark.parametrize("repeats", [[1, 1], [3, 1], [1, 2], [2, 4]])
def test_tile(repeats):
    def function(x):
        return np.tile(x, repeats)

    check_both("tile", (3, 5), {"repeats": repeats}, function, tolerance=1e-6)


@pytest.mark.parametrize("value", [0.0, -2.5])
@pytest.mark.parametrize(
    ("shape", "before", "after"),
    [
        ((5,), [1], [2]),
        ((4, 5, 3), [1, 2, 0], [0, 3, 0]),
        ((4, 5, 3), [0, 0, 1], [0, 0, 0]),
        ((4, 5, 3), [2, 0, 0], [1, 0, 0]),
        ((4, 5), [0, 0], [0, 0]),
    ],
)
def test_pad(shape, before, after, value):
    attrs = {"before": before, "after": after, "value": value}
    widths = list(zip(before, after, strict=True))
    check_both("pad", shape, attrs, lambda x: np.pad(x, widths, constant_values=value))


@pytest.mark.parametrize("strides", [[1, 3, 1], [2, 1, 2], [3, 2, 1]])
def test_pad_between_neighbours(strides):
    def function(x):
        sizes = [1 + (n - 1) * s + 2 for n, s in zip(x.shape, strides, strict=True)]
        result = np.zeros(sizes)
        result[tuple(slice(1, n - 1, s) for n, s in zip(sizes, strides, strict=True))] = x
        return result

    attrs = {"before": [1, 1, 1], "after": [1, 1, 1], "strides": strides}
    check_both("pad", (3, 4, 2), attrs, function)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_concat_of_batches(n, axis):
    rng = np.random.default_rng(1)
    shapes = [[3, 4, 5] for _ in range(3)]
    for shape, size in zip(shapes, (2, 1, 6), strict=True):
        shape[axis] = size
    xs = [batched(rng.normal(size=(n, *shape))) for shape in shapes]
    check(
        "concat",
        xs,
        {"axis": axis},
        lambda *xs: [np.concatenate(xs, axis + 1)],
        rng=rng,
        tolerance=1e-7,
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_concat_repeats_a_single_value_for_each_sample(axis):
    rng = np.random.default_rng(2)
    operands = [batched(rng.normal(size=(20, 3, 4))), weight(rng.normal(size=(3, 4)))]

    def forward(x, w):
        return [np.concatenate([x, np.broadcast_to(w, x.shape)], axis + 1)]

    check("concat", operands, {"axis": axis}, forward, rng=rng, tolerance=1e-6)


def test_concat_of_single_values():
    rng = np.random.default_rng(3)
    operands = [weight(rng.normal(size=shape)) for shape in ((3, 4), (3, 1))]
    check("concat", operands, {"axis": 1}, lambda *xs: [np.concatenate(xs, 1)], rng=rng)


@pytest.mark.parametrize("count", [1, 24, 25, 60])
def test_concat_of_many(count):
    rng = np.random.default_rng(4)
    xs = [batched(rng.normal(size=(3, 2))) for _ in range(count)]
    check("concat", xs, {"axis": 0}, lambda *xs: [np.concatenate(xs, 1)], rng=rng, tolerance=1e-7)


@pytest.mark.parametrize(
    ("op", "shape", "attrs"),
    [
        ("transpose", (2, 3), {"perm": [0, 0]}),
        ("transpose", (2, 3), {"perm": [0]}),
        ("slice", (4,), {"begin": [2], "size": [3]}),
        ("slice", (4,), {"begin": [-1], "size": [3]}),
        ("slice", (4,), {"begin": [0], "size": [3], "strides": [2]}),
        ("reverse", (4,), {"axis": 1}),
        ("tile", (4,), {"repeats": [1, 2]}),
        ("pad", (4,), {"before": [-1], "after": [0]}),
        ("concat", (4,), {"axis": 1}),
    ],
)
def test_bad_attributes(op, shape, attrs):
    with pytest.raises(ValueError, match=f"^{op}: "):
        run_op(op, [batched(np.zeros((2, *shape)))], attrs)


def test_concat_of_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"concat: .*\(2, 3\).*\(3, 3\)"):
        run_op("concat", [batched(np.zeros((2, 2, 3))), batched(np.zeros((2, 3, 3)))], {"axis": 1})
