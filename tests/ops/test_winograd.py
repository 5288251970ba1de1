"""Convolutions by Winograd's algorithm, of every tile, beside the definition."""

import numpy as np
import pytest

from tests.ops.harness import batched, check, new_graph, run_op, weight
from tests.reference import conv2d as reference

pytestmark = pytest.mark.cpu_only("a GPU sums directly")

# Points of an axis and the kernels that they take.
KERNELS = {
    "winograd4": [(3, 3), (1, 3)],
    "winograd6": [(3, 3), (5, 5), (1, 3), (1, 4), (1, 5)],
    "winograd8": [(5, 5), (1, 3), (1, 4), (1, 5)],
}
CASES = [(algorithm, kernel) for algorithm, kernels in KERNELS.items() for kernel in kernels]
each_tile = pytest.mark.parametrize(("algorithm", "kernel"), CASES)


def tolerance(algorithm):
    return 2e-5 if algorithm == "winograd4" else 6e-5


def random_case(rng, kernel, most_channels=40):
    """Sizes down to a single pixel, padding on each side by up to a kernel's width less one."""
    rows = kernel[0] > 1
    padding = [int(p) for p in rng.integers(0, kernel[0], 2)] if rows else [0, 0]
    padding += [int(p) for p in rng.integers(0, kernel[1], 2)]
    height = kernel[0] + int(rng.integers(0, 12)) if rows else 1
    width = kernel[1] + int(rng.integers(0, 14))
    channels, filters = (int(n) for n in rng.integers(1, most_channels, 2))
    x = rng.normal(size=(int(rng.integers(1, 36)), height, width, channels))
    w = rng.normal(size=(*kernel, channels, filters))
    return x, w, rng.normal(size=filters), {"padding": padding}


@each_tile
@pytest.mark.parametrize("seed", range(8))
def test_matches_the_definition_and_its_gradient(algorithm, kernel, seed):
    rng = np.random.default_rng(seed)
    x, w, b, attrs = random_case(rng, kernel)
    check(
        "conv2d",
        [batched(x), weight(w), weight(b)],
        attrs | {"algorithm": algorithm},
        lambda x, w, b: [reference.conv2d(x, w, b, **attrs)],
        backward=lambda x, w, b, dy: reference.conv2d_backward(x, w, b, dy, **attrs),
        rng=rng,
        tolerance=tolerance(algorithm),
    )


@pytest.mark.parametrize("activation", ["", "relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("pool", ["max", "average"])
@pytest.mark.parametrize(
    ("algorithm", "kernel"), [case for case in CASES if case[1][0] > 1], ids=str
)
def test_pools_and_activates_its_tiles(algorithm, kernel, pool, activation):
    rng = np.random.default_rng(7)
    apply, slope = {
        "": (lambda z: z, np.ones_like),
        "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    }[activation]
    for size in [(9, 10), (8, 13), (7, 7)]:
        x = rng.normal(size=(19, *size, 10))
        w = rng.normal(size=(*kernel, 10, 14)) / 8
        attrs = {"padding": [1, 0, 2, 1]}

        def forward(x, w, b, attrs=attrs):
            return [apply(reference.pool2x2(reference.conv2d(x, w, b, **attrs), pool))]

        def backward(x, w, b, dy, attrs=attrs):
            z = reference.conv2d(x, w, b, **attrs)
            dz = reference.unpool2x2(z, dy * slope(reference.pool2x2(z, pool)), pool)
            return reference.conv2d_backward(x, w, b, dz, **attrs)

        check(
            "conv2d",
            [batched(x), weight(w), weight(rng.normal(size=14))],
            attrs | {"algorithm": algorithm, "activation": activation, "pool": pool},
            forward,
            backward=backward,
            rng=rng,
            tolerance=tolerance(algorithm),
        )


@pytest.mark.parametrize(
    ("algorithm", "kernel", "pool"),
    [(*case, pool) for case in CASES for pool in ("", "max") if not pool or case[1][0] > 1],
)
@pytest.mark.parametrize("samples", [1, 2, 3, 4, 5, 8, 11, 21])
def test_samples_that_share_vectors_are_computed_as_in_full_shards(
    algorithm, kernel, pool, samples
):
    rng = np.random.default_rng(samples)
    x = rng.normal(size=(32, 1 if kernel[0] == 1 else 9, 29, 7))
    operands = [weight(rng.normal(size=(*kernel, 7, 18))), weight(rng.normal(size=18))]
    attrs = {"algorithm": algorithm, "pool": pool, "padding": [kernel[0] // 2] * 2 + [1, 2]}
    dy = rng.normal(size=run_op("conv2d", [batched(x), *operands], attrs).outputs[0].shape)
    full = run_op("conv2d", [batched(x), *operands], attrs, [dy])
    for threads in (1, 2):
        found = run_op(
            "conv2d", [batched(x[:samples]), *operands], attrs, [dy[:samples]], threads=threads
        )
        assert np.array_equal(found.outputs[0], full.outputs[0][:samples])
        assert np.array_equal(found.gradients[0], full.gradients[0][:samples])


def relative_error(found, expected):
    return np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2))


def most_error(algorithm):
    return 1e-6 if algorithm == "winograd4" else 5e-6


@each_tile
def test_errors_are_those_of_single_precision(algorithm, kernel):
    """Root mean square of the error beside that of the results, with many channels."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(16, 1 if kernel[0] == 1 else 12, 13, 96))
    w = rng.normal(size=(*kernel, 96, 64))
    exact = reference.conv2d(x, w, None)
    for op, operands, attrs, expected in [
        ("conv2d", [batched(x), weight(w), None], {}, exact),
        (
            "conv2d_backward_input",
            [batched(exact), weight(w)],
            {"size": list(x.shape[1:3])},
            reference.conv2d_backward(np.zeros_like(x), w, None, exact)[0],
        ),
    ]:
        found = run_op(op, operands, attrs | {"algorithm": algorithm}).outputs[0]
        assert relative_error(found, expected) < most_error(algorithm)
    noise = rng.normal(size=exact.shape)
    operands = [batched(x), weight(w), None]
    found = run_op("conv2d", operands, {"algorithm": algorithm}, [noise]).gradients[1]
    expected = reference.conv2d_backward(x, w, None, noise)[1]
    assert relative_error(found, expected) < most_error(algorithm)


@pytest.mark.parametrize(
    ("channels", "filters"), [(64, 64), (200, 35), (33, 200), (130, 101), (390, 70)]
)
@pytest.mark.parametrize("size", [(2, 3), (7, 6), (15, 9)])
def test_weight_gradients_of_many_blocks_of_channels_and_tiles(channels, filters, size):
    rng = np.random.default_rng(channels)
    x = rng.normal(size=(int(rng.integers(1, 40)), *size, channels))
    dy = rng.normal(size=(len(x), *size, filters))
    operands = [batched(x), weight(np.zeros((3, 3, channels, filters))), None]
    attrs = {"padding": [1, 1, 1, 1]}
    expected = reference.conv2d_backward(x, operands[1].array, None, dy, **attrs)[1]
    for algorithm in ("winograd4", "winograd6"):
        one, *others = (
            run_op("conv2d", operands, attrs | {"algorithm": algorithm}, [dy], threads=threads)
            for threads in (1, 2, 3)
        )
        assert relative_error(one.gradients[1], expected) < most_error(algorithm)
        assert all(np.array_equal(other.gradients[1], one.gradients[1]) for other in others)


@each_tile
def test_is_what_computes(algorithm, kernel):
    rng = np.random.default_rng(5)
    x, w, b, attrs = random_case(rng, kernel)
    operands = [batched(x), weight(w), weight(b)]
    forced = run_op("conv2d", operands, attrs | {"algorithm": algorithm})
    direct = run_op("conv2d", operands, attrs | {"algorithm": "direct"})
    assert not np.array_equal(forced.outputs[0], direct.outputs[0])


@pytest.mark.parametrize(
    ("kernel", "high", "highest"),
    [
        ((3, 3), "winograd6", "winograd4"),
        ((5, 5), "winograd8", "direct"),
        ((1, 3), "winograd8", "winograd4"),
        ((1, 4), "winograd8", "direct"),
        ((1, 5), "winograd8", "direct"),
    ],
)
def test_the_highest_precision_takes_four_points_at_most(kernel, high, highest):
    rng = np.random.default_rng(6)
    x = rng.normal(size=(16, 12 if kernel[0] > 1 else 1, 60, 32))
    operands = [batched(x), weight(rng.normal(size=(*kernel, 32, 32))), None]

    def outputs(algorithms=None, **attrs):
        return run_op("conv2d", operands, attrs, algorithms=algorithms).outputs[0]

    assert np.array_equal(outputs(), outputs(algorithm=high))
    assert np.array_equal(outputs({"precision": "highest"}), outputs(algorithm=highest))


@pytest.mark.parametrize(
    "attrs", [{"strides": [2, 2]}, {"dilation": [2, 2]}, {"groups": 2}], ids=lambda a: next(iter(a))
)
def test_others_are_summed_directly(attrs):
    rng = np.random.default_rng(8)
    operands = [
        batched(rng.normal(size=(16, 12, 12, 16))),
        weight(rng.normal(size=(3, 3, 16 // attrs.get("groups", 1), 16))),
        None,
    ]
    forced, direct = (
        run_op("conv2d", operands, attrs | {"algorithm": algorithm}).outputs[0]
        for algorithm in ("winograd6", "direct")
    )
    assert np.array_equal(forced, direct)


def test_says_which_algorithms_there_are():
    graph = new_graph()
    ids = [graph.input([8, 8, 4], "x"), graph.parameter([3, 3, 4, 4], "w")]
    with pytest.raises(ValueError, match="must be direct, winograd4, winograd6 or winograd8"):
        graph.add("conv2d", ids, {"algorithm": "fft"})
