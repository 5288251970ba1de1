"""Settings of the process."""

import numpy as np
import pytest

import convnet
from convnet import config, layers


@pytest.fixture(autouse=True)
def restored():
    yield
    config.set_image_data_format("channels_last")
    config.set_epsilon(1e-7)
    config.set_num_threads(None)


def test_the_default_data_format_reaches_layers():
    config.set_image_data_format("channels_first")
    layer = layers.Conv2D(4, 3)
    assert layer.data_format == "channels_first"
    assert layer(np.zeros((2, 3, 6, 7), "float32")).shape == (2, 4, 4, 5)


def test_epsilon_can_be_changed():
    config.set_epsilon(1e-3)
    assert config.epsilon() == 1e-3


def test_the_number_of_threads_can_be_changed():
    config.set_num_threads(3)
    assert config.get_num_threads() == 3
    config.set_num_threads(None)
    assert config.get_num_threads() >= 1


def test_the_device_can_be_chosen():
    with convnet.device("cpu:0"):
        assert config.get_device() == "cpu"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: config.set_floatx("float64"), "Unknown `floatx` value: float64"),
        (lambda: config.set_image_data_format("NHWC"), "`data_format` argument must be one of"),
        (lambda: config.set_num_threads(0), "Expected a positive integer or None"),
        (lambda: config.set_device("tpu"), "Expected 'cpu'"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        change()


def test_the_settings_are_shown():
    lines = []
    config.show(lines.append)
    assert any(config.isa() in line for line in lines) and config.isa() in config.isas()
