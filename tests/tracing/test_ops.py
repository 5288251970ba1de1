"""Ops in their three lives: on arrays, inside a traced computation, on symbolic tensors."""

import numpy as np
import pytest

import convnet
from convnet import ops
from convnet.execution import PlannedCall
from convnet.symbolic import KerasTensor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3, 4)).astype("float32")
Y = RNG.uniform(0.5, 2.0, size=(5, 3, 4)).astype("float32")
ROW = RNG.normal(size=(4,)).astype("float32")

# name: (function of convnet's ops, function of numpy, arguments)
CASES = {
    "add": (ops.add, np.add, (X, Y)),
    "add a scalar": (lambda x: x + 2.0, lambda x: x + 2.0, (X,)),
    "add a row": (lambda x: ops.add(x, ROW), lambda x: x + ROW, (X,)),
    "add a matrix with an axis for the batch": (
        lambda x: ops.add(x, X[:1]),
        lambda x: x + X[:1],
        (X,),
    ),
    "subtract": (lambda x, y: 1.0 - x - y, lambda x, y: 1.0 - x - y, (X, Y)),
    "multiply": (ops.multiply, np.multiply, (X, Y)),
    "divide": (lambda x, y: 1.0 / y + x / y, lambda x, y: 1.0 / y + x / y, (X, Y)),
    "floor divide": (lambda x, y: x // y, np.floor_divide, (X, Y)),
    "mod": (lambda x, y: x % y, np.mod, (X, Y)),
    "power": (lambda x, y: y**x, lambda x, y: y**x, (X, Y)),
    "maximum": (ops.maximum, np.maximum, (X, Y)),
    "minimum": (ops.minimum, np.minimum, (X, Y)),
    "less": (lambda x, y: x < y, np.less, (X, Y)),
    "greater equal": (lambda x: x >= 0.5, lambda x: x >= 0.5, (X,)),
    "not equal": (lambda x: x != x, lambda x: x != x, (X,)),
    "logic": (
        lambda x, y: (x > 0) & ~(y > 1) | (x < -1),
        lambda x, y: (x > 0) & ~(y > 1) | (x < -1),
        (X, Y),
    ),
    "where": (lambda x, y: ops.where(x > 0, x, y), lambda x, y: np.where(x > 0, x, y), (X, Y)),
    "clip": (lambda x: ops.clip(x, -0.5, 0.5), lambda x: np.clip(x, -0.5, 0.5), (X,)),
    "cast": (lambda x: ops.cast(3 * x, "int32"), lambda x: (3 * x).astype("int32"), (X,)),
    "cast to bool": (lambda x: ops.cast(x, "bool"), lambda x: x.astype(bool), (X,)),
    "negative": (lambda x: -x, np.negative, (X,)),
    "absolute": (abs, np.abs, (X,)),
    "sign": (ops.sign, np.sign, (X,)),
    "square": (ops.square, np.square, (X,)),
    "sqrt": (ops.sqrt, np.sqrt, (Y,)),
    "rsqrt": (ops.rsqrt, lambda y: 1 / np.sqrt(y), (Y,)),
    "reciprocal": (ops.reciprocal, np.reciprocal, (Y,)),
    "exp": (ops.exp, np.exp, (X,)),
    "expm1": (ops.expm1, np.expm1, (X,)),
    "log": (ops.log, np.log, (Y,)),
    "log1p": (ops.log1p, np.log1p, (Y,)),
    "sin": (ops.sin, np.sin, (X,)),
    "cos": (ops.cos, np.cos, (X,)),
    "tan": (ops.tan, np.tan, (X,)),
    "floor": (ops.floor, np.floor, (X,)),
    "ceil": (ops.ceil, np.ceil, (X,)),
    "round": (ops.round, np.round, (3 * X,)),
    "round to a decimal": (lambda x: ops.round(x, 1), lambda x: np.round(x, 1), (X,)),
    "isfinite": (lambda x: ops.isfinite(1 / (x * 0)), lambda x: np.isfinite(x * np.inf), (X,)),
    "tanh": (ops.tanh, np.tanh, (X,)),
    "sum": (lambda x: ops.sum(x, axis=1), lambda x: x.sum(1), (X,)),
    "sum of two axes": (
        lambda x: ops.sum(x, axis=(1, -1), keepdims=True),
        lambda x: x.sum((1, 2), keepdims=True),
        (X,),
    ),
    "mean": (lambda x: ops.mean(x, axis=-1), lambda x: x.mean(-1), (X,)),
    "max": (lambda x: ops.max(x, axis=1), lambda x: x.max(1), (X,)),
    "min": (
        lambda x: ops.min(x, axis=2, keepdims=True),
        lambda x: x.min(2, keepdims=True),
        (X,),
    ),
    "prod": (lambda x: ops.prod(x, axis=2), lambda x: x.prod(2), (X,)),
    "var": (lambda x: ops.var(x, axis=2), lambda x: x.var(2), (X,)),
    "std": (lambda x: ops.std(x, axis=1), lambda x: x.std(1), (X,)),
    "any": (lambda x: ops.any(x > 1, axis=2), lambda x: (x > 1).any(2), (X,)),
    "all": (lambda x: ops.all(x > -1, axis=2), lambda x: (x > -1).all(2), (X,)),
    "argmax": (lambda x: ops.argmax(x, axis=-1), lambda x: x.argmax(-1), (X,)),
    "argmin": (
        lambda x: ops.argmin(x, axis=1, keepdims=True),
        lambda x: x.argmin(1, keepdims=True),
        (X,),
    ),
    "cumsum": (lambda x: ops.cumsum(x, axis=1), lambda x: x.cumsum(1), (X,)),
    "logsumexp": (
        lambda x: ops.logsumexp(x, axis=-1),
        lambda x: np.log(np.exp(x).sum(-1)),
        (X,),
    ),
    "softmax": (
        ops.softmax,
        lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
        (X,),
    ),
    "softmax of two axes": (
        lambda x: ops.softmax(x, axis=(1, 2)),
        lambda x: np.exp(x) / np.exp(x).sum((1, 2), keepdims=True),
        (X,),
    ),
    "reshape": (lambda x: ops.reshape(x, (-1, 12)), lambda x: x.reshape(-1, 12), (X,)),
    "transpose": (
        lambda x: ops.transpose(x, (0, 2, 1)),
        lambda x: x.transpose(0, 2, 1),
        (X,),
    ),
    "expand dims": (lambda x: ops.expand_dims(x, (1, -1)), lambda x: x[:, None, ..., None], (X,)),
    "squeeze": (lambda x: ops.squeeze(x[:, :1], 1), lambda x: x[:, 0], (X,)),
    "concatenate": (
        lambda x, y: ops.concatenate([x, y, x], axis=-1),
        lambda x, y: np.concatenate([x, y, x], -1),
        (X, Y),
    ),
    "stack": (
        lambda x, y: ops.stack([x, y], axis=1),
        lambda x, y: np.stack([x, y], 1),
        (X, Y),
    ),
    "split": (
        lambda x: ops.split(x, [1, 3], axis=-1)[1],
        lambda x: np.split(x, [1, 3], -1)[1],
        (X,),
    ),
    "flip": (lambda x: ops.flip(x, axis=(1, 2)), lambda x: x[:, ::-1, ::-1], (X,)),
    "pad": (
        lambda x: ops.pad(x, ((0, 0), (1, 0), (2, 3)), constant_values=7.0),
        lambda x: np.pad(x, ((0, 0), (1, 0), (2, 3)), constant_values=7.0),
        (X,),
    ),
    "tile": (lambda x: ops.tile(x, (1, 2, 3)), lambda x: np.tile(x, (1, 2, 3)), (X,)),
    "repeat": (lambda x: ops.repeat(x, 3, axis=1), lambda x: np.repeat(x, 3, 1), (X,)),
    "broadcast": (
        lambda x: ops.broadcast_to(x[:, :1], (5, 6, 4)),
        lambda x: np.broadcast_to(x[:, :1], (5, 6, 4)),
        (X,),
    ),
    "slices": (lambda x: x[:, 1:, ::2], lambda x: x[:, 1:, ::2], (X,)),
    "negative steps": (lambda x: x[:, ::-1, 3:0:-2], lambda x: x[:, ::-1, 3:0:-2], (X,)),
    "an index and a new axis": (lambda x: x[:, -1, None, 2:], lambda x: x[:, -1, None, 2:], (X,)),
    "an ellipsis": (lambda x: x[..., 1], lambda x: x[..., 1], (X,)),
    "matmul": (
        lambda x: ops.matmul(x, np.ones((4, 2), "float32")),
        lambda x: x @ np.ones((4, 2), "float32"),
        (X,),
    ),
    "matmul of stacks": (
        lambda x, y: ops.matmul(x, ops.transpose(y, (0, 2, 1))),
        lambda x, y: x @ y.transpose(0, 2, 1),
        (X, Y),
    ),
    "one hot": (
        lambda x: ops.one_hot(ops.argmax(x, axis=-1), 4),
        lambda x: np.eye(4)[x.argmax(-1)],
        (X,),
    ),
    "zeros like": (ops.zeros_like, np.zeros_like, (X,)),
    "full like": (lambda x: ops.full_like(x, 3.0), lambda x: np.full_like(x, 3.0), (X,)),
}


def traced(function, arrays):
    call = PlannedCall(lambda tensors: function(*tensors), [a.shape[1:] for a in arrays], 16)
    return call(list(arrays))


def assert_same(got, expected):
    expected = np.asarray(expected)
    assert np.shape(got) == expected.shape
    assert (np.asarray(got).dtype.kind == "b") == (expected.dtype.kind == "b")
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_inside_a_traced_computation(name):
    function, reference, arrays = CASES[name]
    with np.errstate(all="ignore"):
        assert_same(traced(function, arrays), reference(*arrays))


@pytest.mark.parametrize("name", CASES)
def test_on_arrays(name):
    function, reference, arrays = CASES[name]
    with np.errstate(all="ignore"):
        assert_same(function(*arrays), reference(*arrays))


@pytest.mark.parametrize("name", CASES)
def test_on_symbolic_tensors(name):
    function, reference, arrays = CASES[name]
    symbols = [KerasTensor((None, *a.shape[1:])) for a in arrays]
    result = function(*symbols)
    with np.errstate(all="ignore"):
        expected = np.asarray(reference(*arrays))
    assert result.shape == (None, *expected.shape[1:])


@pytest.mark.parametrize("name", CASES)
def test_as_nodes_of_a_model(name):
    function, reference, arrays = CASES[name]
    inputs = [convnet.Input(a.shape[1:]) for a in arrays]
    model = convnet.Model(inputs, function(*inputs))
    with np.errstate(all="ignore"):
        assert_same(model(list(arrays)).astype("float32"), reference(*arrays).astype("float32"))


@pytest.mark.parametrize(
    ("function", "shape", "expected"),
    [
        (lambda x: ops.reshape(x, (-1, 2, x.shape[2] // 2)), (None, None, 4), None),
        (lambda x: ops.mean(x, axis=1), (None, None, 4), (None, 4)),
        (lambda x: ops.concatenate([x, x], axis=1), (None, None, 4), (None, None, 4)),
        (lambda x: x[:, 2:], (None, None, 4), (None, None, 4)),
        (lambda x: x[:, :2], (None, None, 4), (None, 2, 4)),
        (lambda x: ops.add(x, 1.0), (32, None), (32, None)),
    ],
)
def test_unknown_sizes_stay_unknown(function, shape, expected):
    if expected is None:
        with pytest.raises(ValueError, match="Cannot reshape"):
            function(KerasTensor(shape))
        return
    assert function(KerasTensor(shape)).shape == expected


def test_sums_over_the_batch_are_single_values():
    def call(x):
        return ops.sum(x), ops.mean(x, axis=0), ops.mean(x)

    total, mean, overall = traced(call, [X])
    np.testing.assert_allclose(total, X.sum(), rtol=1e-4)
    np.testing.assert_allclose(mean, X.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(overall, X.mean(), rtol=1e-4)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: ops.concatenate([x, x], axis=0), "batch axis"),
        (lambda x: x[0], "batch axis cannot be indexed"),
        (lambda x: ops.reshape(x, (12, -1)), "batch axis would not stay the first"),
        (lambda x: ops.transpose(x, (1, 0, 2)), "batch axis has to stay the first"),
        (lambda x: ops.max(x), "max over the batch axis"),
        (lambda x: x + np.ones((2, 3, 4)), "another axis would meet the batch axis"),
        (lambda x: ops.sum(x, axis=1) * x, "another axis would meet the batch axis"),
        (lambda x: ops.sum(x, axis=3), "axis 3 is out of bounds"),
        (lambda x: ops.squeeze(x, 1), "because its size is not 1"),
        (lambda x: ops.split(x, 5, axis=1), "into 5 equal parts"),
    ],
)
def test_what_the_batch_axis_forbids_is_said(function, message):
    with pytest.raises(ValueError, match=message):
        traced(function, [X])


def test_control_flow_on_values_is_refused():
    with pytest.raises(TypeError, match="control flow on values is not traced"):
        traced(lambda x: x if x.shape[1] and (x > 0) else -x, [X])


def test_numpy_functions_on_tensors_are_refused():
    with pytest.raises((TypeError, ValueError)):
        traced(lambda x: np.exp(x), [X])


def test_an_index_beyond_the_axis_is_an_index_error():
    with pytest.raises(IndexError, match="out of bounds"):
        traced(lambda x: x[:, 3], [X])


@pytest.mark.parametrize("kind", ["float64", "int64", "uint8", "bool"])
def test_arrays_of_other_types_are_converted(kind):
    x = np.array([[0, 1, 2]], kind)
    np.testing.assert_allclose(ops.add(x, 0.5), x.astype("float32") + 0.5)


def test_whole_numbers_stay_whole():
    assert ops.add([1, 2], [3, 4]).dtype == np.int32
    assert ops.add([1, 2], 0.5).dtype == np.float32
    assert ops.sum([True, True, False]) == 2


CONVOLUTIONS = [(ops.conv, (3, 3, 2, 4)), (ops.depthwise_conv, (3, 3, 2, 2))]


@pytest.mark.parametrize(("function", "kernel"), CONVOLUTIONS)
def test_convolution_of_arrays(function, kernel):
    images = np.ones((3, 6, 6, 2), "float32")
    result = function(images, np.ones(kernel, "float32"), padding="same")
    assert result.shape == (3, 6, 6, 4)
    assert result[0, 3, 3, 0] == (18 if function is ops.conv else 9)


def test_pooling_of_arrays():
    images = np.arange(16.0).reshape(1, 4, 4, 1)
    assert ops.max_pool(images, 2).ravel().tolist() == [5, 7, 13, 15]
    assert ops.average_pool(images, 2).ravel().tolist() == [2.5, 4.5, 10.5, 12.5]


def test_crossentropies_of_arrays():
    targets = np.array([[0.0, 1.0], [1.0, 0.0]])
    logits = np.array([[0.0, 2.0], [1.0, 3.0]])
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = -np.log(probabilities[[0, 1], [1, 0]])
    for from_logits, output in ((True, logits), (False, probabilities)):
        categorical = ops.categorical_crossentropy(targets, output, from_logits=from_logits)
        sparse = ops.sparse_categorical_crossentropy([1, 0], output, from_logits=from_logits)
        np.testing.assert_allclose(categorical, expected, rtol=1e-5)
        np.testing.assert_allclose(sparse, expected, rtol=1e-5)
    binary = ops.binary_crossentropy([1.0, 0.0], [0.75, 0.75])
    np.testing.assert_allclose(binary, -np.log([0.75, 0.25]), rtol=1e-5)
