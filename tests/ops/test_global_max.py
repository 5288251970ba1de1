"""A convolution of which only the largest pixel counts: its gradient is listed where it is made."""

import numpy as np
import pytest

import convnet
from convnet import config, layers

pytestmark = pytest.mark.cpu_only("a GPU lists no pixels")


def step(pool, activation, batch, size, sign=1.0, nan=False, kernel=3):
    """Weights after a step of a net whose pixels often tie, and the ops of the step. Channels and
    filters fill vectors and blocks of them in part.
    """
    rng = np.random.default_rng(5)
    inputs = layers.Input(size)
    conv = layers.Conv1D if len(size) == 2 else layers.Conv2D
    convolved = conv(53, kernel, activation=activation)(layers.Dense(35)(inputs))
    model = convnet.Model(inputs, layers.Dense(1)(layers.Flatten()(pool()(convolved))))
    weights = [sign * rng.integers(0, 2, w.shape) for w in model.get_weights()]
    if nan:
        weights[2][..., 0] = np.nan
    model.set_weights(weights)
    model.compile(convnet.optimizers.SGD(0.01), "mse")
    x = rng.integers(0, 2, (batch, *size)).astype(np.float32)
    y = rng.normal(size=(batch, 1))
    ops = {row.op for row in model.profile(x, y, batch_size=batch, steps=1).rows}
    model.fit(x, y, batch_size=batch, verbose=0)
    return model.get_weights(), ops


@pytest.mark.parametrize(
    ("pool", "size", "kernel"),
    [
        (layers.GlobalMaxPooling1D, (11, 9), 3),
        (layers.GlobalMaxPooling2D, (7, 8, 9), 5),
        (lambda: layers.GlobalMaxPooling2D(keepdims=True), (3, 4, 9), 3),
    ],
)
@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("batch", [16, 37])
def test_gradients_are_those_of_all_pixels(pool, size, kernel, activation, sign, batch):
    actual, ops = step(pool, activation, batch, size, sign, kernel=kernel)
    assert {"sparse_extremes", "sparse_listed_input"} <= ops
    with config.algorithm(conv2d_backward="direct"):
        expected, ops = step(pool, activation, batch, size, sign, kernel=kernel)
    assert "extreme_backward" in ops
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def branches(batch, padding, **forced):
    """Weights after a step of a net of three convolutions that read the same, and its ops."""
    rng = np.random.default_rng(8)
    inputs = layers.Input((13, 9))
    read = layers.Dense(21)(inputs)
    pooled = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(11 + width, width, padding=padding)(read))
        for width in (3, 4, 5)
    ]
    model = convnet.Model(inputs, layers.Dense(1)(layers.Concatenate()(pooled)))
    model.set_weights([rng.normal(size=w.shape) / 4 for w in model.get_weights()])
    model.compile(convnet.optimizers.SGD(0.01), "mse")
    x, y = rng.normal(size=(batch, 13, 9)), rng.normal(size=(batch, 1))
    with config.algorithm(**forced):
        ops = [row.op for row in model.profile(x, y, batch_size=batch, steps=1).rows]
        model.fit(x, y, batch_size=batch, verbose=0)
    return model.get_weights(), ops


@pytest.mark.parametrize(("padding", "images"), [("valid", 1), ("same", 3)])
@pytest.mark.parametrize("batch", [16, 37, 50])
def test_convolutions_of_the_same_pixels_add_to_the_same_images(padding, images, batch):
    actual, ops = branches(batch, padding)
    assert ops.count("sparse_listed_input") == 3
    assert ops.count("sparse_lanes") == images
    expected, _ = branches(batch, padding, conv2d_backward="direct")
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_nan_spreads():
    weights, ops = step(layers.GlobalMaxPooling1D, None, 16, (11, 9), nan=True)
    assert "sparse_extremes" in ops
    assert all(np.isnan(w).all() for w in weights)


@pytest.mark.parametrize(
    ("pool", "activation", "size"),
    [
        (layers.GlobalMaxPooling1D, "tanh", (11, 9)),
        (layers.GlobalAveragePooling1D, "relu", (11, 9)),
        (lambda: layers.MaxPooling1D(2), "relu", (11, 9)),
    ],
)
def test_other_readers_get_a_gradient_for_each_pixel(pool, activation, size):
    _, ops = step(pool, activation, 16, size)
    assert "sparse_extremes" not in ops
