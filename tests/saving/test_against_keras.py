"""Files go both ways between convnet and real Keras 3, with equal weights, outputs and configs."""

import json
import logging

import numpy as np
import pytest

import convnet
from tests.saving.sample_nets import NETS, compile_net, fill, inputs_for, targets_for

# The two programs add in different orders.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
# Keras rounds all activations to bfloat16, which has eight significant bits.
MIXED_TOLERANCE = {"rtol": 4 / 2**8, "atol": 4 / 2**8}

KERAS_CANNOT_READ = {("graph_ops", "h5")}  # nor its own: "Unknown layer: 'Multiply'"


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.ERROR, logger="convnet")


@pytest.fixture(scope="module")
def from_keras(tmp_path_factory, run_keras):
    folder = tmp_path_factory.mktemp("from_keras")
    run_keras("write", folder)
    return folder


@pytest.fixture(scope="module")
def to_keras(tmp_path_factory, run_keras):
    """Files of convnet, and beside each what Keras found in it."""
    folder = tmp_path_factory.mktemp("to_keras")
    for name, build in NETS.items():
        model = build(convnet)
        fill(model)
        compile_net(convnet, name, model)
        model.train_on_batch(inputs_for(model), targets_for(model))
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}.weights.h5")
        if (name, "h5") not in KERAS_CANNOT_READ:
            model.save(folder / f"{name}.h5")
        np.savez(folder / f"{name}.npz", **state_of(model))
        (folder / f"{name}.json").write_text(model.to_json())
    run_keras("read", folder)
    return folder


def state_of(model):
    outputs = model.predict(inputs_for(model), verbose=0)
    arrays = {f"weight_{i:03}": v.numpy() for i, v in enumerate(model.weights)}
    outputs = outputs if isinstance(outputs, list) else [outputs]
    arrays |= {f"output_{i:03}": array for i, array in enumerate(outputs)}
    if model.optimizer is not None:
        variables = model.optimizer.variables
        arrays |= {f"optimizer_{i:03}": v.numpy() for i, v in enumerate(variables)}
    return arrays


def assert_same_state(name, found, expected, exact=("weight", "optimizer"), only=None):
    tolerance = MIXED_TOLERANCE if name == "mixed" else TOLERANCE
    expected = {key: expected[key] for key in expected if only is None or key.startswith(only)}
    found = {key: found[key] for key in found if only is None or key.startswith(only)}
    assert sorted(found) == sorted(expected)
    for key, value in expected.items():
        if key.startswith(exact):
            np.testing.assert_array_equal(found[key], value, err_msg=key)
        else:
            np.testing.assert_allclose(found[key], value, err_msg=key, **tolerance)


def comparable(config):
    """A config without what may differ: ids, null values, shapes that layers without weights were
    built for, and the modules of Keras's backends."""
    if isinstance(config, dict):
        if "keras.src.backend" in str(config.get("module")):
            config = {**config, "module": "keras.optimizers", "registered_name": None}
        dropped = ("shared_object_id", "build_config")
        kept = {k: v for k, v in config.items() if k not in dropped and v is not None}
        return {key: comparable(value) for key, value in kept.items()}
    return [comparable(value) for value in config] if isinstance(config, list) else config


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_convnet_reads_models_of_keras(from_keras, name, ending):
    model = convnet.models.load_model(from_keras / f"{name}.{ending}")
    assert_same_state(name, state_of(model), np.load(from_keras / f"{name}.npz"))


@pytest.mark.parametrize("name", NETS)
def test_convnet_reads_weights_of_keras(from_keras, name):
    model = NETS[name](convnet)
    model.load_weights(from_keras / f"{name}.weights.h5")
    expected = np.load(from_keras / f"{name}.npz")
    for only in ("weight", "output"):
        assert_same_state(name, state_of(model), expected, only=only)


@pytest.mark.parametrize("name", NETS)
def test_one_more_step_agrees_with_keras(from_keras, name):
    if name == "cnn_sequential":
        pytest.skip("dropout draws other numbers")
    model = convnet.models.load_model(from_keras / f"{name}.keras")
    model.train_on_batch(inputs_for(model), targets_for(model))
    expected = np.load(from_keras / f"{name}.next.npz")
    assert_same_state(name, state_of(model), expected, exact=())


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_keras_reads_models_of_convnet(to_keras, name, ending):
    if (name, ending) in KERAS_CANNOT_READ:
        pytest.skip("Keras cannot read this format with graph ops")
    found, expected = np.load(to_keras / f"{name}.{ending}.npz"), np.load(to_keras / f"{name}.npz")
    kinds = ("weight", "output", "optimizer")
    for only in kinds if ending == "keras" else kinds[:2]:  # Keras drops the slots of .h5 files
        assert_same_state(name, found, expected, only=only)


@pytest.mark.parametrize("name", NETS)
def test_keras_reads_weights_of_convnet(to_keras, name):
    found = np.load(to_keras / f"{name}.weights.h5.npz")
    for only in ("weight", "output"):
        assert_same_state(name, found, np.load(to_keras / f"{name}.npz"), only=only)


@pytest.mark.parametrize("name", NETS)
def test_keras_writes_the_same_config_after_reading_it(to_keras, name):
    found = json.loads((to_keras / f"{name}.keras.json").read_text())
    expected = json.loads((to_keras / f"{name}.json").read_text())
    assert comparable(found) == comparable(expected)
