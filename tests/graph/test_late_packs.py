"""What is made of large weights that change is made when it is read next, in the same memory."""

import numpy as np
import pytest

import convnet
from convnet import config, layers


def wide_net():
    """Three convolutions whose transformed filters take over a megabyte each."""
    convnet.utils.set_random_seed(3)
    model = convnet.Sequential([layers.Input((8, 8, 96))])
    for _ in range(3):
        model.add(layers.Conv2D(96, 3, padding="same", activation="relu"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(2))
    model.compile(optimizer="sgd", loss="mse")
    return model


def data(samples):
    rng = np.random.default_rng(samples)
    return rng.normal(size=(samples, 8, 8, 96)), rng.normal(size=(samples, 2))


def trained(samples, threads=2):
    config.set_num_threads(threads)
    try:
        model, (x, y) = wide_net(), data(samples)
        model.fit(x, y, batch_size=samples, epochs=2, verbose=0)
        return model.get_weights()
    finally:
        config.set_num_threads(None)


@pytest.mark.parametrize("samples", [16, 50])
def test_training_is_that_of_direct_convolutions(samples):
    with config.algorithm(conv2d="direct"):
        expected = trained(samples)
    for a, b in zip(expected, trained(samples), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("samples", [16, 50])
def test_bits_do_not_depend_on_threads(samples):
    for a, b in zip(trained(samples, 1), trained(samples, 3), strict=True):
        assert np.array_equal(a, b)


def test_filters_are_transformed_right_before_they_are_used():
    rows = wide_net().profile(*data(16), steps=1).rows
    ops = ("winograd_pack", "conv2d", "conv2d_backward_input")
    calls = [(row.op, row.layer) for row in rows if row.op in ops]
    assert len(calls) == 10, "forward three times and backward twice"
    for (pack, layer), (product, reader) in zip(calls[::2], calls[1::2], strict=True):
        assert pack == "winograd_pack" != product
        assert layer == reader


def test_predictions_keep_them_all():
    model, (x, _) = wide_net(), data(16)
    expected = model.predict(x, verbose=0)
    assert np.array_equal(model.predict(x, verbose=0), expected)
    assert "winograd_pack" not in {row.op for row in model.profile(x, steps=1).rows}
