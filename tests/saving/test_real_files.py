"""Files that Keras 2 and Keras 3 wrote, with the outputs that they gave there."""

import logging

import numpy as np
import pytest

import convnet
from convnet import _core

KERAS_2 = ["fer_emotion_model.hdf5", "mnist_ery4z.h5", "stock_pirate_lstm.h5"]
KERAS_3 = [
    "cnn_sequential",
    "functional_residual",
    "lstm_masked",
    "lstm_stock",
    "rnn_mix",
    "textcnn",
]
# Ops of the core that a file needs and that may not be there yet.
OPS = {"functional_residual": "conv2d_transpose"}


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.ERROR, logger="convnet")


def skip_what_is_missing(name):
    op = OPS.get(name)
    if op is not None and op not in _core.ops():
        pytest.skip(f"needs {op}")


def assert_outputs(model, golden):
    outputs = model.predict(golden["x"], verbose=0)
    np.testing.assert_allclose(outputs, golden["y"], rtol=1e-4, atol=1e-5)


# Keras 2.0 stored the optimizer's state by the alphabet of names that the file does not hold.
@pytest.mark.filterwarnings("ignore:Error in loading the saved optimizer state")
@pytest.mark.parametrize("name", KERAS_2)
def test_keras_2_file(models_folder, name):
    skip_what_is_missing(name)
    model = convnet.models.load_model(models_folder / name)
    assert model.compiled
    assert_outputs(model, np.load(models_folder / "golden" / f"{name}.npz"))


@pytest.mark.parametrize("name", KERAS_3)
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_keras_3_file(models_folder, name, ending):
    skip_what_is_missing(name)
    folder = models_folder / "keras3_written"
    model = convnet.models.load_model(folder / f"{name}.{ending}")
    assert model.compiled
    assert_outputs(model, np.load(folder / f"{name}.golden.npz"))


@pytest.mark.parametrize("name", KERAS_3)
def test_keras_3_weights(models_folder, name):
    skip_what_is_missing(name)
    folder = models_folder / "keras3_written"
    model = convnet.models.load_model(folder / f"{name}.keras")
    for variable in model.weights:
        variable.assign(np.ones(variable.shape))
    model.load_weights(folder / f"{name}.weights.h5")
    assert_outputs(model, np.load(folder / f"{name}.golden.npz"))


@pytest.mark.parametrize("name", KERAS_2[1:])
def test_optimizer_state_of_keras_2_arrives(models_folder, name):
    skip_what_is_missing(name)
    model = convnet.models.load_model(models_folder / name)
    assert int(model.optimizer.iterations) > 0
    slots = [v.numpy() for v in model.optimizer.variables if v.ndim]
    assert all(np.any(slot) for slot in slots)
