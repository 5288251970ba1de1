"""The precision of convolutions."""

import numpy as np
import pytest

import convnet
from convnet import config


@pytest.fixture
def model():
    yield convnet.Sequential([convnet.Input((16, 16, 32)), convnet.layers.Conv2D(32, 3)])
    config.set_matmul_precision("high")


@pytest.mark.cpu_only("a GPU sums directly")
@pytest.mark.parametrize("samples", [1, 16])
def test_the_highest_takes_no_six_points(model, samples):
    x = np.random.default_rng(0).normal(size=(samples, 16, 16, 32)).astype(np.float32)
    high = model.predict(x, verbose=0)
    with config.algorithm(conv2d="winograd6"):
        assert np.array_equal(model.predict(x, verbose=0), high)
    config.set_matmul_precision("highest")
    assert config.matmul_precision() == "highest"
    highest = model.predict(x, verbose=0)
    assert not np.array_equal(highest, high)
    np.testing.assert_allclose(highest, high, rtol=1e-4, atol=1e-4)
    with config.algorithm(conv2d="winograd4"):
        assert np.array_equal(model.predict(x, verbose=0), highest)
    config.set_matmul_precision("high")
    assert np.array_equal(model.predict(x, verbose=0), high)


def test_the_medium_one_is_the_high_one_on_the_cpu(model):
    x = np.random.default_rng(0).normal(size=(16, 16, 16, 32)).astype(np.float32)
    with config.device("cpu"):
        high = model.predict(x, verbose=0)
        config.set_matmul_precision("medium")
        assert np.array_equal(model.predict(x, verbose=0), high)


@pytest.mark.cuda
def test_the_medium_one_rounds_to_tf32_on_a_gpu(model):
    x = np.random.default_rng(0).normal(size=(2, 16, 16, 32)).astype(np.float32)
    with config.device("gpu"):
        high = model.predict(x, verbose=0)
        config.set_matmul_precision("medium")
        medium = model.predict(x, verbose=0)
    error = np.abs(medium - high).max() / np.abs(high).max()
    assert 1e-5 < error < 2e-3


def test_says_what_there_is(model):
    with pytest.raises(ValueError, match="Expected one of 'medium', 'high', 'highest'"):
        config.set_matmul_precision("low")
