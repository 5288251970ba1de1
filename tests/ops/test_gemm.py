"""Matrix products and convolutions on the GPU: every tile, and every way to read an operand."""

import numpy as np
import pytest

from convnet import _core, config
from tests.ops.harness import Operand, assert_close, batched, new_graph, run_op, weight
from tests.ops.rnn_cases import RnnCase
from tests.reference import conv2d as reference
from tests.reference import rnn as recurrent
from tests.reference.bfloat16 import to_bfloat16

pytestmark = pytest.mark.gpu_only

# Sizes of tiles that are forced, by precision. TF32 keeps 10 bits of a factor and bfloat16 7, which
# is off by 2^-11 and 2^-8 at most; four times that allows for two factors, and for sums that are
# smaller than what is summed.
TILES = {
    "high": ["128x128", "128x32", "64x64", "32x32", "16x64"],
    "medium": ["128x128", "128x32", "64x64", "256x128", "256x64"],
    "bfloat16": ["128x128", "128x32", "64x64"],
}
WAYS = [(precision, tile) for precision, tiles in TILES.items() for tile in tiles]
TOLERANCE = {"high": 2e-5, "medium": 4 / 2**11, "bfloat16": 4 / 2**8}
ways = pytest.mark.parametrize(("precision", "tile"), WAYS, ids=[" ".join(way) for way in WAYS])


def run(op, operands, attrs, seed, precision, tile):
    algorithms = {"gemm": tile} | ({"precision": precision} if precision == "medium" else {})
    forced = {"lanes": 1, "few": False, "algorithms": algorithms}
    forced["bfloat16"] = precision == "bfloat16"
    result = run_op(op, operands, attrs, [seed], **forced)
    return [result.outputs[0], *result.gradients]


def check(op, operands, attrs, forward, backward, precision, tile, rng):
    arrays = [None if o is None else o.array.astype(np.float64) for o in operands]
    expected = forward(*arrays)
    seed = rng.normal(size=expected.shape).astype(np.float32)
    found = run(op, operands, attrs, seed, precision, tile)
    wanted = [expected, *backward(*arrays, seed.astype(np.float64))]
    for what, (got, want) in enumerate(zip(found, wanted, strict=True)):
        if want is not None:
            assert_close(got, want, TOLERANCE[precision], f"result {what}")
    if precision != "high" and expected.size > 1:
        error = np.abs(found[0] - expected).max() / np.abs(expected).max()
        assert error > TOLERANCE[precision] / 200, "nothing was rounded"


# Of a dense layer: samples, inputs, units. A tile of the GPU is at most 256 x 128 x 16; sums of 128
# numbers or more are cut in slices.
PRODUCTS = {
    "more than a tile, tails": (130, 33, 149),
    "more than a tile, in fours": (132, 36, 196),
    "more steps than are on their way": (127, 123, 36),
    "more rows than a tile": (260, 124, 260),
    "whole tiles": (128, 32, 256),
    "a long sum": (33, 700, 35),
    "a long sum in fours": (36, 700, 40),
    "long sums for the weights": (600, 17, 20),
    "one row": (1, 150, 129),
    "one of all": (1, 1, 1),
}


@ways
@pytest.mark.parametrize("name", PRODUCTS)
def test_dense(name, precision, tile):
    rng = np.random.default_rng(3)
    samples, inputs, units = PRODUCTS[name]
    x, w = rng.normal(size=(samples, inputs)), rng.normal(size=(inputs, units)) / np.sqrt(inputs)

    def backward(x, w, b, dy):
        dz = dy * (1 - np.tanh(x @ w + b) ** 2)
        return dz @ w.T, x.T @ dz, dz.sum(axis=0)

    check(
        "dense",
        [batched(x), weight(w), weight(rng.normal(size=units))],
        {"activation": "tanh"},
        lambda x, w, b: np.tanh(x @ w + b),
        backward,
        precision,
        tile,
        rng,
    )


@ways
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", [(34, 70, 65), (20, 260, 24)], ids=str)
def test_stacks_of_products(shape, transposed, precision, tile):
    rng = np.random.default_rng(4)
    M, K, N = shape
    first, second = ((lambda x: np.swapaxes(x, -1, -2)) if t else (lambda x: x) for t in transposed)
    a, b = rng.normal(size=(3, 2, M, K)), rng.normal(size=(3, 2, K, N)) / np.sqrt(K)
    check(
        "matmul",
        [batched(first(a)), batched(second(b))],
        {"transpose_a": transposed[0], "transpose_b": transposed[1]},
        lambda a, b: first(a) @ second(b),
        lambda a, b, dy: (
            first(dy @ np.swapaxes(second(b), -1, -2)),
            second(np.swapaxes(first(a), -1, -2) @ dy),
        ),
        precision,
        tile,
        rng,
    )


# Of a convolution: samples, height, width, channels, filters, kernel, attributes.
CONVOLUTIONS = {
    "one channel": (5, 13, 14, 1, 32, 3, {}),
    "three channels": (6, 15, 17, 3, 33, 5, {"strides": [2, 2], "padding": [2, 2, 1, 2]}),
    "channels in fours": (3, 9, 10, 8, 40, 3, {"padding": [1, 1, 1, 1]}),
    "more than a tile": (3, 8, 9, 36, 132, 2, {"padding": [1, 1, 1, 1]}),
    "strides and dilation": (4, 13, 12, 12, 24, 3, {"strides": [2, 3], "dilation": [4, 2]}),
    "taps that nothing meets": (3, 9, 8, 4, 20, 1, {"strides": [3, 2]}),
    "uneven channels": (5, 8, 9, 18, 30, 2, {"strides": [1, 2], "padding": [0, 1, 1, 0]}),
    "groups in fours": (3, 8, 7, 32, 64, 3, {"groups": 2, "padding": [1, 1, 1, 1]}),
    "uneven groups": (3, 8, 9, 27, 51, 3, {"groups": 3, "strides": [2, 1]}),
    "groups of one": (4, 9, 8, 35, 70, 3, {"groups": 35, "strides": [2, 1]}),
}


@ways
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_conv2d(name, precision, tile):
    rng = np.random.default_rng(5)
    samples, height, width, channels, filters, kernel, attrs = CONVOLUTIONS[name]
    if name == "groups of one" and (precision, tile) != WAYS[0]:
        pytest.skip("is no matrix product")
    group = channels // attrs.get("groups", 1)
    w = rng.normal(size=(kernel, kernel, group, filters)) / kernel / np.sqrt(group)
    x = rng.normal(size=(samples, height, width, channels))
    check(
        "conv2d",
        [batched(x), weight(w), weight(rng.normal(size=filters))],
        attrs,
        lambda x, w, b: reference.conv2d(x, w, b, **attrs),
        lambda x, w, b, dy: reference.conv2d_backward(x, w, b, dy, **attrs),
        precision,
        tile,
        rng,
    )


@ways
@pytest.mark.parametrize("op", ["lstm", "gru", "simple_rnn"])
@pytest.mark.parametrize(("features", "units"), [(8, 12), (5, 7)])
def test_weights_of_recurrent_layers(features, units, op, precision, tile):
    """Their gradients are one product of x, h and ones with what the gates got back."""
    rng = np.random.default_rng(9)
    attrs = {"return_sequences": True, "go_backwards": units == 7}
    case = RnnCase(op, batch=30, steps=6, features=features, units=units, attrs=attrs)
    no_gradient = [np.zeros((30, units)) for _ in range(case.state_count)]
    check(
        op,
        case.operands(rng),
        attrs,
        lambda *arrays: recurrent.forward(op, *arrays, **attrs)[0],
        lambda *arrays: recurrent.backward(op, *arrays, *no_gradient, **attrs),
        precision,
        tile,
        rng,
    )


@ways
def test_weights_that_begin_anywhere(precision, tile):
    """They lie at no multiple of four floats, and are read one by one."""
    rng = np.random.default_rng(6)
    memory = rng.normal(size=1 + 36 * 64).astype(np.float32)
    check(
        "dense",
        [
            batched(rng.normal(size=(70, 36))),
            Operand(memory[1:].reshape(36, 64), batched=False),
            None,
        ],
        {},
        lambda x, w, b: x @ w,
        lambda x, w, b, dy: (dy @ w.T, x.T @ dy, None),
        precision,
        tile,
        rng,
    )


@ways
def test_bits_are_the_same_from_run_to_run(precision, tile):
    rng = np.random.default_rng(8)
    x, w = rng.normal(size=(4, 9, 8, 8)), rng.normal(size=(3, 3, 8, 20))
    seed = rng.normal(size=(4, 7, 6, 20)).astype(np.float32)
    operands = [batched(x), weight(w), None]
    first, again = (run("conv2d", operands, {}, seed, precision, tile) for _ in range(2))
    for a, b in zip(first[:3], again[:3], strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("tile", ["256x128", "256x64"])
def test_tiles_by_wgmma_cut_what_is_copied_straight(tile):
    """They are there: 1 + 1.5 / 2048 becomes 1, which the others round up."""
    if _core.cuda_devices()[config.gpu()]["compute_capability"] != (9, 0):
        pytest.skip("needs Hopper")
    x, w = np.full((3, 40), 1 + 1.5 / 2048), np.ones((40, 8))
    seed = np.zeros((3, 8), np.float32)
    sums = run("dense", [batched(x), weight(w), None], {}, seed, "medium", tile)[0]
    assert (sums == 40).all()
    sums = run("dense", [batched(x), weight(w), None], {}, seed, "medium", "128x128")[0]
    assert (sums == 40 * (1 + 1 / 1024)).all()


@pytest.mark.parametrize("shape", [(3, 700, 40), (700, 40, 33), (40, 33, 2000)], ids=str)
def test_the_tile_that_is_chosen(shape):
    rng = np.random.default_rng(7)
    samples, inputs, units = shape
    x, w = rng.normal(size=(samples, inputs)), rng.normal(size=(inputs, units)) / np.sqrt(inputs)
    operands = [batched(x), weight(w), None]
    result = run_op("dense", operands, {}, lanes=1, few=False)
    expected = operands[0].array.astype(np.float64) @ operands[1].array.astype(np.float64)
    assert_close(result.outputs[0], expected, TOLERANCE["high"])


def whole(rng, *shape):
    """Numbers of nine bits: rounding changes many, but 64 products of them have an exact sum."""
    return rng.integers(-511, 512, shape).astype(np.float64)


# What is computed of operands that are rounded before, and is exact in float32 in any order.
EXACT = {
    "dense": (
        ((60, 50), (50, 40)),
        {},
        lambda x, w: x @ w,
        lambda x, w, dy: (dy @ w.T, x.T @ dy),
    ),
    "matmul": (
        ((3, 20, 30), (3, 30, 40)),
        {},
        lambda a, b: a @ b,
        lambda a, b, dy: (dy @ np.swapaxes(b, 1, 2), np.swapaxes(a, 1, 2) @ dy),
    ),
    "conv2d": (
        ((2, 7, 7, 5), (3, 3, 5, 7)),
        {"strides": [1, 2], "padding": [0, 0, 1, 0]},
        lambda x, w: reference.conv2d(x, w, np.zeros(7), strides=(1, 2), padding=(0, 0, 1, 0)),
        lambda x, w, dy: reference.conv2d_backward(
            x, w, np.zeros(7), dy, strides=(1, 2), padding=(0, 0, 1, 0)
        )[:2],
    ),
}


@pytest.mark.parametrize("tile", TILES["bfloat16"])
@pytest.mark.parametrize("op", EXACT)
def test_operands_are_rounded_to_bfloat16_and_sums_are_not(op, tile):
    rng = np.random.default_rng(11)
    shapes, attrs, forward, backward = EXACT[op]
    x, w = (whole(rng, *shape) for shape in shapes)
    operands = [batched(x), batched(w) if op == "matmul" else weight(w)]
    y = forward(to_bfloat16(x), to_bfloat16(w))
    dy = whole(rng, *y.shape)
    if op != "matmul":
        operands.append(weight(whole(rng, y.shape[-1])))
    found = run(op, operands, attrs, dy, "bfloat16", tile)
    bias = operands[2].array if len(operands) == 3 else 0.0
    wanted = [y + bias, *backward(to_bfloat16(x), to_bfloat16(w), to_bfloat16(dy))]
    if len(operands) == 3:
        wanted.append(dy.sum(axis=tuple(range(dy.ndim - 1))))
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(got, want)


def test_numbers_that_bfloat16_cannot_hold():
    x = np.array([np.inf, -np.inf, np.nan, 3.4e38, 3.38e38, 1e-30, 0.0])[:, None]
    result = run_op("dense", [batched(x), weight([[1.0]]), None], bfloat16=True)
    expected = np.array([np.inf, -np.inf, np.nan, np.inf, 3.3762e38, 1e-30, 0.0])[:, None]
    np.testing.assert_allclose(result.outputs[0], expected, rtol=2**-8)


@pytest.mark.parametrize("op", ["lstm", "gru", "simple_rnn"])
def test_recurrent_layers_round_what_their_inputs_are_multiplied_by(op):
    """What goes from step to step is multiplied in float32."""
    rng = np.random.default_rng(12)
    attrs = {"return_sequences": True}
    case = RnnCase(op, batch=20, steps=5, features=9, units=11, attrs=attrs)
    operands = case.operands(rng)
    arrays = [None if o is None else o.array.astype(np.float64) for o in operands]
    arrays[:2] = [to_bfloat16(x) for x in arrays[:2]]
    result = run_op(op, operands, attrs, bfloat16=True)
    assert_close(result.outputs[0], recurrent.forward(op, *arrays, **attrs)[0], TOLERANCE["high"])


def test_gradients_are_rounded_where_their_forward_node_is():
    """Two products, the first of rounded operands."""
    rng = np.random.default_rng(13)
    x, w = whole(rng, 4, 3), whole(rng, 3, 4)
    v, dz = rng.integers(-1, 2, (4, 3)).astype(np.float64), whole(rng, 4, 3)
    graph = new_graph()
    ids = [graph.input((3,), "x"), graph.parameter((3, 4), "w"), graph.parameter((4, 3), "v")]
    graph.bfloat16 = True
    y = graph.add("dense", [ids[0], ids[1], None], {})[0]
    graph.bfloat16 = False
    z = graph.add("dense", [y, ids[2], None], {})[0]
    seed = graph.input((3,), "dz")
    gradients = graph.backward([], {z: seed}, ids)
    assert not graph.bfloat16
    plan = _core.Plan(graph, [z, *(gradients[i] for i in ids)], 4)
    memory = [np.ascontiguousarray(a, np.float32) for a in (w, v)]
    for i, array in zip(ids[1:], memory, strict=True):
        plan.bind(i, array)
    found = plan.predict({ids[0]: x.astype(np.float32), seed: dz.astype(np.float32)}, 4)
    x, w = to_bfloat16(x), to_bfloat16(w)
    dy = to_bfloat16(dz @ v.T)
    for got, want in zip(found, [x @ w @ v, dy @ w.T, x.T @ dy, (x @ w).T @ dz], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)
