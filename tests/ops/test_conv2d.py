import numpy as np
import pytest

from convnet import _core, config
from tests.cases.conv2d import SMALL
from tests.ops.harness import batched, check, new_graph, weight
from tests.reference import conv2d as reference


def operands(case, rng, bias=True):
    x = rng.normal(size=(case.batch, *case.size, case.channels))
    w = rng.normal(size=(*case.kernel, case.channels // case.groups, case.filters))
    b = weight(rng.normal(size=case.filters)) if bias else None
    return [batched(x), weight(w), b]


ALGORITHMS = [{}, {"conv2d_backward": "direct"}, {"conv2d_backward": "sparse"}]


@pytest.mark.parametrize("algorithms", ALGORITHMS, ids=str)
@pytest.mark.parametrize("case", SMALL, ids=lambda c: c.name)
@pytest.mark.parametrize("bias", [True, False])
def test_matches_the_definition_and_its_gradient(case, bias, algorithms):
    rng = np.random.default_rng(1)
    check(
        "conv2d",
        operands(case, rng, bias),
        case.attrs,
        lambda x, w, b: [reference.conv2d(x, w, b, **case.attrs)],
        backward=lambda x, w, b, dy: reference.conv2d_backward(x, w, b, dy, **case.attrs),
        rng=rng,
        algorithms=algorithms,
    )


@pytest.mark.parametrize("seed", range(25))
def test_matches_the_definition_over_random_shapes(seed):
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(1, 4))
    kernel = rng.integers(1, 5, size=2)
    dilation = rng.integers(1, 3, size=2)
    padding = rng.integers(0, 4, size=4)
    span = (kernel - 1) * dilation + 1
    size = [max(int(rng.integers(1, 12)), int(s)) for s in span]
    attrs = {
        "strides": [int(s) for s in rng.integers(1, 4, size=2)],
        "padding": [int(p) for p in padding],
        "dilation": [int(d) for d in dilation],
        "groups": groups,
    }
    x = rng.normal(size=(int(rng.integers(1, 40)), *size, groups * int(rng.integers(1, 9))))
    w = rng.normal(size=(*kernel, x.shape[-1] // groups, groups * int(rng.integers(1, 15))))
    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=w.shape[-1]))],
        attrs,
        lambda x, w, b: [reference.conv2d(x, w, b, **attrs)],
        backward=lambda x, w, b, dy: reference.conv2d_backward(x, w, b, dy, **attrs),
        rng=rng,
    )


# Channels that a group reads and makes: those whose kernels go through groups one by one in all
# directions, in some, and neighbours that do not.
FEW_CHANNELS = [(1, 1), (1, 2), (1, 3), (1, 5), (2, 1), (2, 2), (3, 3), (4, 1), (1, 7)]


def check_few_channels(rng, batch, size, kernel, groups, channels, attrs, bias=True):
    x = rng.normal(size=(batch, *size, groups * channels[0]))
    w = rng.normal(size=(*kernel, channels[0], groups * channels[1]))
    attrs = attrs | {"groups": groups}
    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=w.shape[-1])) if bias else None],
        attrs,
        lambda x, w, b: [reference.conv2d(x, w, b, **attrs)],
        backward=lambda x, w, b, dy: reference.conv2d_backward(x, w, b, dy, **attrs),
        rng=rng,
    )


@pytest.mark.parametrize("channels", FEW_CHANNELS, ids=str)
@pytest.mark.parametrize("seed", range(8))
def test_few_channels_a_group_over_random_shapes(seed, channels):
    """Depthwise convolutions and their neighbours: odd sizes, steps of all kinds, borders."""
    rng = np.random.default_rng([seed, *channels])
    kernel, dilation = rng.integers(1, 6, size=2), rng.integers(1, 4, size=2)
    if seed % 2:
        dilation[:] = 1
    span = (kernel - 1) * dilation + 1
    size = [max(int(rng.integers(1, 24)), int(s)) for s in span]
    attrs = {
        "strides": [int(s) for s in rng.integers(1, 4, size=2)],
        "padding": [int(p) for p in rng.integers(0, 4, size=4)],
        "dilation": [int(d) for d in dilation],
    }
    batch, groups = int(rng.integers(1, 40)), int(rng.integers(2, 40 if channels == (1, 1) else 12))
    check_few_channels(rng, batch, size, kernel, groups, channels, attrs, bias=seed % 3 > 0)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (7, 7), (1, 4), (3, 6), (2, 1)])
@pytest.mark.parametrize("side", [7, 8, 14])
def test_depthwise_of_common_shapes(side, kernel, stride):
    rng = np.random.default_rng(side)
    padding = [kernel[0] // 2, (kernel[0] - 1) // 2, (kernel[1] - 1) // 2, kernel[1] // 2]
    attrs = {"strides": [stride, stride], "padding": padding}
    check_few_channels(rng, 19, (side, side + 1), kernel, 21, (1, 1), attrs)


@pytest.mark.parametrize("channels", [(1, 1), (1, 3), (2, 1)], ids=str)
def test_depthwise_of_many_groups(channels):
    """More channels than a block of the gradient of the weights has."""
    rng = np.random.default_rng(7)
    check_few_channels(rng, 18, (4, 5), (3, 3), 75, channels, {"padding": [1, 1, 1, 1]})


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("rows", [1, 3])
def test_depthwise_over_time(rows, dilation):
    """One sample's rows are cut into segments where they are few."""
    rng = np.random.default_rng(dilation)
    attrs = {"padding": [0, 0, 3, 0], "dilation": [1, dilation]}
    check_few_channels(rng, 3, (rows, 41), (1, 4), 19, (1, 1), attrs)


def test_depthwise_of_frames():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(5, 3, 6, 7, 18))
    w = rng.normal(size=(3, 3, 1, 18))
    attrs = {"groups": 18, "strides": [2, 1], "padding": [1, 0, 1, 1]}

    def forward(x, w, b):
        y = reference.conv2d(x.reshape(15, 6, 7, 18), w, b, **attrs)
        return [y.reshape(5, 3, *y.shape[1:])]

    def backward(x, w, b, dy):
        dx, dw, db = reference.conv2d_backward(
            x.reshape(15, 6, 7, 18), w, b, dy.reshape(15, *dy.shape[2:]), **attrs
        )
        return dx.reshape(x.shape), dw, db

    operands = [batched(x), weight(w), weight(rng.normal(size=18))]
    check("conv2d", operands, attrs, forward, backward=backward, rng=rng)


def test_depthwise_of_images_beyond_the_cache():
    rng = np.random.default_rng(9)
    attrs = {"padding": [1, 1, 1, 1]}
    check_few_channels(rng, 2, (60, 71), (3, 3), 32, (1, 1), attrs)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_depthwise_applies_its_activation(activation):
    rng = np.random.default_rng(10)
    attrs = {"groups": 17, "padding": [1, 1, 1, 1]}
    x, w = rng.normal(size=(21, 6, 9, 17)), rng.normal(size=(3, 3, 1, 17))
    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=17))],
        attrs | {"activation": activation},
        lambda x, w, b: [ACTIVATIONS[activation][0](reference.conv2d(x, w, b, **attrs))],
        rng=rng,
        gradients=False,
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("filters", [1, 2, 3, 4, 6, 8, 12])
def test_matches_the_definition_for_few_filters(filters, channels, stride):
    rng = np.random.default_rng(filters)
    attrs = {"strides": [1, stride], "padding": [1, 2, 0, 1], "dilation": [1, 1 + filters % 2]}
    x = rng.normal(size=(2, 4, 39, channels))
    w = rng.normal(size=(3, 5, channels, filters))
    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=filters)) if filters % 3 else None],
        {**attrs, "activation": "relu"},
        lambda x, w, b: [np.maximum(reference.conv2d(x, w, b, **attrs), 0)],
        rng=rng,
        gradients=False,
    )


@pytest.mark.parametrize("seed", range(16))
def test_weight_gradient_of_many_channels_over_random_shapes(seed):
    """Output channels in lanes: few and many pixels, rows longer than a block, borders, strides."""
    rng = np.random.default_rng(100 + seed)
    groups, kernel = int(rng.integers(1, 3)), rng.integers(1, 4, size=2)
    filters = groups * int(rng.choice([14, 16, 29, 31, 32, 48, 63, 64, 80]))
    shapes = [(1, 1), (2, 3), (5, 4), (9, 7), (1, 150), (3, 70)]
    size = [int(n + k - 1) for n, k in zip(shapes[seed % 6], kernel, strict=True)]
    attrs = {
        "strides": [int(s) for s in rng.integers(1, 3, size=2)],
        "padding": [int(p) for p in rng.integers(0, 3, size=4)],
        "dilation": [int(d) for d in rng.integers(1, 3, size=2)] if min(size) > 4 else [1, 1],
        "groups": groups,
    }
    x = rng.normal(size=(int(rng.integers(1, 40)), *size, groups * int(rng.integers(1, 15))))
    w = rng.normal(size=(*kernel, x.shape[-1] // groups, filters))
    check(
        "conv2d",
        [batched(x), weight(w), None],
        attrs,
        lambda x, w, b: [reference.conv2d(x, w, b, **attrs)],
        backward=lambda x, w, b, dy: reference.conv2d_backward(x, w, b, dy, **attrs),
        rng=rng,
    )


@pytest.mark.parametrize("groups", [1, 3])
def test_weight_gradient_sums_more_shards_than_slots(groups):
    rng = np.random.default_rng(6)
    x, w = rng.normal(size=(410, 5, 6, 3)), rng.normal(size=(2, 3, 3 // groups, 15))
    check(
        "conv2d",
        [batched(x), weight(w), None],
        {"groups": groups},
        lambda x, w, b: [reference.conv2d(x, w, groups=groups)],
        backward=lambda x, w, b, dy: reference.conv2d_backward(x, w, b, dy, groups=groups),
        rng=rng,
    )


ACTIVATIONS = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
}


@pytest.mark.parametrize("algorithms", ALGORITHMS, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pool", ["", "max", "average"])
@pytest.mark.parametrize(
    ("size", "channels", "kernel"),
    [((6, 8), 3, (3, 3)), ((7, 5), 11, (3, 2)), ((8, 7), 17, (5, 5)), ((6, 27), 61, (3, 2))],
)
def test_fused_activation_and_pool_equal_the_separate_steps(
    activation, pool, size, channels, kernel, algorithms
):
    rng = np.random.default_rng(3)
    apply, slope = ACTIVATIONS[activation]
    attrs = {"padding": [1, 1, 1, 1]}
    x = rng.normal(size=(19, *size, channels))
    w = rng.normal(size=(*kernel, channels, 8)) / np.sqrt(channels * np.prod(kernel))

    def forward(x, w, b):
        z = reference.conv2d(x, w, b, **attrs)
        return [apply(reference.pool2x2(z, pool) if pool else z)]

    def backward(x, w, b, dy):
        z = reference.conv2d(x, w, b, **attrs)
        pooled = reference.pool2x2(z, pool) if pool else z
        dz = dy * slope(pooled)
        return reference.conv2d_backward(
            x, w, b, reference.unpool2x2(z, dz, pool) if pool else dz, **attrs
        )

    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=8))],
        attrs | {"activation": activation, "pool": pool},
        forward,
        backward=backward,
        rng=rng,
        algorithms=algorithms,
    )


def test_leading_axes_are_an_outer_loop():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(5, 3, 4, 6, 2))
    w = rng.normal(size=(2, 3, 2, 4))

    def frames(x, w, b):
        return [reference.conv2d(x.reshape(-1, 4, 6, 2), w, b).reshape(5, 3, 3, 4, 4)]

    def backward(x, w, b, dy):
        dx, dw, db = reference.conv2d_backward(
            x.reshape(-1, 4, 6, 2), w, b, dy.reshape(-1, 3, 4, 4)
        )
        return dx.reshape(x.shape), dw, db

    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=4))],
        {},
        frames,
        backward=backward,
        rng=rng,
    )


@pytest.mark.parametrize("algorithms", ALGORITHMS, ids=str)
@pytest.mark.parametrize(("channels", "filters"), [(2, 13), (18, 101)])
def test_pooled_gradient_of_leading_axes_and_many_channels(channels, filters, algorithms):
    rng = np.random.default_rng(6)
    attrs = {"padding": [1, 0, 0, 2]}
    x = rng.normal(size=(18, 2, 6, 7, channels))
    w = rng.normal(size=(3, 4, channels, filters))
    frames = x.reshape(-1, 6, 7, channels)

    def forward(x, w, b):
        y = reference.pool2x2(reference.conv2d(x.reshape(frames.shape), w, b, **attrs), "max")
        return [y.reshape(18, 2, *y.shape[1:])]

    def backward(x, w, b, dy):
        x = x.reshape(frames.shape)
        z = reference.conv2d(x, w, b, **attrs)
        dz = reference.unpool2x2(z, dy.reshape(-1, *dy.shape[2:]), "max")
        dx, dw, db = reference.conv2d_backward(x, w, b, dz, **attrs)
        return dx.reshape(18, 2, 6, 7, channels), dw, db

    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=filters))],
        attrs | {"pool": "max"},
        forward,
        backward=backward,
        rng=rng,
        algorithms=algorithms,
    )


@pytest.mark.cpu_only("a GPU lists no pixels")
@pytest.mark.parametrize("batch", [16, 21])
@pytest.mark.parametrize("kept", [False, True])
def test_sparse_gradient_of_a_relu(batch, kept):
    """Where the gradient of what comes behind is sparse it takes the ReLU's own along."""
    rng = np.random.default_rng(batch)
    x = rng.normal(size=(batch, 7, 8, 3)).astype(np.float32)
    weights = [rng.normal(size=s).astype(np.float32) for s in [(3, 3, 3, 18), (2, 3, 18, 5)]]
    seed_value = rng.normal(size=(batch, 2, 2, 5)).astype(np.float32)

    def run(algorithms):
        graph = new_graph(16, algorithms)
        ids = [graph.input(x.shape[1:], "x"), *(graph.parameter(w.shape, "w") for w in weights)]
        y = graph.add("conv2d", [ids[0], ids[1], None], {"activation": "relu"})[0]
        z = graph.add("conv2d", [y, ids[2], None], {"activation": "relu", "pool": "max"})[0]
        seed = graph.input(seed_value.shape[1:], "dz")
        found = graph.backward([], {z: seed}, [*ids, y] if kept else ids)
        plan = _core.Plan(graph, list(found.values()), batch)
        for i, w in zip(ids[1:], weights, strict=True):
            plan.bind(i, w)
        plan.timed = True
        results = plan.predict({ids[0]: x, seed: seed_value}, batch)
        return results, [c["op"] for c in plan.profile()["calls"] if c["calls"]]

    (expected, plain), (found, fused) = run({"conv2d_backward": "direct"}), run({})
    assert plain.count("unary_backward") == 2
    assert fused.count("unary_backward") == 1
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("groups", [1, 5], ids=["whole", "depthwise"])
def test_the_transposed_convolution_is_the_gradient_for_the_input(groups):
    rng = np.random.default_rng(5)
    attrs = {"strides": [2, 3], "padding": [1, 0, 1, 2], "groups": groups}
    dy = rng.normal(size=(6, 4, 3, 5))
    w = rng.normal(size=(3, 4, 1 if groups > 1 else 2, 5))
    size = [8, 8]
    x = np.zeros((6, *size, w.shape[2] * groups))

    def forward(dy, w, b):
        return [reference.conv2d_backward(x, w, None, dy, **attrs)[0] + b]

    operands = [batched(dy), weight(w), weight(rng.normal(size=x.shape[-1]))]
    check("conv2d_backward_input", operands, attrs | {"size": size}, forward, rng=rng)


@pytest.mark.parametrize(
    ("x", "w", "attrs", "message"),
    [
        ((4, 4, 3), (3, 3, 2, 5), {}, "does not fit 3 channels"),
        ((2, 2, 1), (3, 3, 1, 5), {}, "does not fit an input of 2 x 2"),
        ((4, 4, 1), (3, 3, 1, 5), {"strides": [0, 1]}, "strides must be two positive integers"),
        ((4, 1), (3, 3, 1, 5), {}, "expects a batch of images"),
        ((4, 4, 1), (3, 3, 1, 5), {"activation": "gelu"}, "activation 'gelu' cannot be fused"),
    ],
)
def test_says_what_does_not_fit(x, w, attrs, message):

    graph = new_graph()
    with pytest.raises(ValueError, match=message):
        graph.add("conv2d", [graph.input(x, "x"), graph.parameter(w, "w")], attrs)


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 1, 0, 2)])
@pytest.mark.parametrize("batch", [3, 16, 21])
@pytest.mark.parametrize("channels", [7, 100])
@pytest.mark.parametrize("pooled", [False, True], ids=["all pixels", "windows"])
def test_gradient_under_maxima(activation, padding, batch, pooled, channels):
    """Fusion marks the convolution, whose backward then visits the winners only."""
    rng = np.random.default_rng(batch)
    x = rng.normal(size=(batch, 5, 6, 9)).astype(np.float32)
    weights = [
        rng.normal(size=shape).astype(np.float32) for shape in [(3, 2, 9, channels), (channels,)]
    ]

    def gradients(fuse):
        graph = new_graph()
        ids = [graph.input(x.shape[1:], "x"), *(graph.parameter(w.shape, "w") for w in weights)]
        y = graph.add("conv2d", ids, {"padding": list(padding)})[0]
        if activation and pooled:
            y = graph.add("unary", [y], {"fn": activation})[0]
        if pooled:
            y = graph.add("max_pool", [y], {"size": [3, 3], "strides": [2, 2]})[0]
        else:
            y = graph.add("reshape", [y], {"shape": [-1, channels]})[0]
            if activation:
                y = graph.add("unary", [y], {"fn": activation})[0]
            y = graph.add("reduce", [y], {"fn": "max", "axes": [0]})[0]
        if fuse:
            graph.fuse([y])
        dy = np.random.default_rng(9).normal(size=(batch, *graph.shape(y))).astype(np.float32)
        dy[0] = 0
        seed = graph.input(dy.shape[1:], "dy")
        found = graph.backward([], {y: seed}, ids)
        plan = _core.Plan(graph, [found[i] for i in ids], batch)
        for id_, w in zip(ids[1:], weights, strict=True):
            plan.bind(id_, w)
        return plan.predict({ids[0]: x, seed: dy}, batch), len(graph)

    (expected, plain), (found, marked) = gradients(False), gradients(True)
    assert marked != plain or config.gpu() >= 0, "another backward"
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-4)
