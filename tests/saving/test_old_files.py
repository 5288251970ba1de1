"""Files in the dialects of Keras 2, made by rewriting what convnet writes."""

import json
import logging
import zipfile

import h5py
import numpy as np
import pytest

import convnet
from tests.saving.sample_nets import fill

X = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.ERROR, logger="convnet")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.h5"


def recurrent_model(**arguments):
    lstm = convnet.layers.LSTM(3, name="lstm", **arguments)
    model = convnet.Sequential([convnet.Input((5, 2)), lstm, convnet.layers.Dense(2, name="dense")])
    fill(model)
    return model


def rewrite(path, config, keras_version):
    """Puts another config and version into an .h5 file, and the names of weights of Keras 2."""
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["keras_version"] = keras_version.encode()
        for name in file["model_weights"]:
            group = file["model_weights"][name]
            weights = [w.decode() for w in group.attrs["weight_names"]]
            for weight in weights:
                group.move(weight, f"{weight}:0")
            group.attrs["weight_names"] = [f"{weight}:0".encode() for weight in weights]


def keras_2_lstm(**changes):
    return {
        "class_name": "LSTM",
        "config": {
            "name": "lstm",
            "trainable": True,
            "batch_input_shape": [None, 5, 2],
            "dtype": "float32",
            "time_major": False,
            "units": 3,
            "activation": "tanh",
            "recurrent_activation": "sigmoid",
            "kernel_initializer": {
                "class_name": "VarianceScaling",
                "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"},
            },
            "unit_forget_bias": True,
            "implementation": 2,
            **changes,
        },
    }


KERAS_2_DENSE = {
    "class_name": "Dense",
    "config": {"name": "dense", "trainable": True, "units": 2, "activation": "linear"},
}


@pytest.mark.parametrize("as_list", [True, False])
def test_sequential_of_keras_2(path, as_list):
    model = recurrent_model()
    model.save(path)
    layers = [keras_2_lstm(), KERAS_2_DENSE]
    config = layers if as_list else {"name": "sequential", "layers": layers}
    rewrite(path, {"class_name": "Sequential", "config": config}, "2.2.2")
    again = convnet.models.load_model(path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_functional_of_keras_2(path):
    left, right = convnet.Input((4,), name="left"), convnet.Input((4,), name="right")
    shared = convnet.layers.Dense(3, name="dense")
    outputs = convnet.layers.Concatenate(name="join")([shared(left), shared(right)])
    model = convnet.Model([left, right], outputs)
    model.save(path)

    def layer(class_name, name, nodes, **config):
        return {
            "class_name": class_name,
            "name": name,
            "config": {"name": name, "trainable": True, **config},
            "inbound_nodes": nodes,
        }

    def source(name):
        return {
            "class_name": "InputLayer",
            "name": name,
            "config": {"name": name, "batch_input_shape": [None, 4], "sparse": False},
            "inbound_nodes": [],
        }

    calls = [[["left", 0, 0, {}]], [["right", 0, 0, {}]]]
    join = [[["dense", 0, 0, {}], ["dense", 1, 0, {}]]]
    config = {
        "name": "model_1",
        "layers": [
            source("left"),
            source("right"),
            layer("Dense", "dense", calls, units=3),
            layer("Concatenate", "join", join, axis=-1),
        ],
        "input_layers": [["left", 0, 0], ["right", 0, 0]],
        "output_layers": [["join", 0, 0]],
    }
    rewrite(path, {"class_name": "Model", "config": config}, "2.0.5")
    again = convnet.models.load_model(path)
    inputs = [np.ones((2, 4), np.float32), np.full((2, 4), 2.0, np.float32)]
    np.testing.assert_array_equal(
        again.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )


def test_hard_sigmoid_of_keras_2_keeps_its_slope(path):
    model = recurrent_model()
    model.save(path)
    layers = [keras_2_lstm(recurrent_activation="hard_sigmoid"), KERAS_2_DENSE]
    rewrite(path, {"class_name": "Sequential", "config": {"layers": layers}}, "2.1.0")
    again = convnet.models.load_model(path)

    kernel, recurrent, bias = (v.numpy().astype(np.float64) for v in model.layers[0].weights)
    h = c = np.zeros((3, 3))
    for t in range(5):
        i, f, g, o = np.split(X[:, t] @ kernel + h @ recurrent + bias, 4, axis=-1)
        i, f, o = (np.clip(0.2 * gate + 0.5, 0, 1) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    kernel, bias = (v.numpy() for v in model.layers[1].weights)
    np.testing.assert_allclose(again.predict(X, verbose=0), h @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_time_major_is_refused(path):
    recurrent_model().save(path)
    layers = [keras_2_lstm(time_major=True), KERAS_2_DENSE]
    rewrite(path, {"class_name": "Sequential", "config": {"layers": layers}}, "2.9.0")
    with pytest.raises(ValueError, match="time_major"):
        convnet.models.load_model(path)


def test_weights_only_file_of_keras_2(path, tmp_path):
    model = recurrent_model()
    model.save(path)
    weights = tmp_path / "weights.h5"  # this ending, and a layout with `layer_names`, is Keras 2's
    with h5py.File(path) as source, h5py.File(weights, "w") as target:
        for name in source["model_weights"]:
            source.copy(f"model_weights/{name}", target)
        for key, value in source["model_weights"].attrs.items():
            target.attrs[key] = value
    again = recurrent_model()
    again.set_weights([np.zeros(w.shape) for w in again.get_weights()])
    again.load_weights(weights)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def rewrite_zip(path, edit):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    edit(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_keras_file_of_keras_2_13(tmp_path):
    path = tmp_path / "model.keras"
    inputs = convnet.Input((4,), name="in")
    model = convnet.Model(inputs, convnet.layers.Dense(3, name="dense")(inputs))
    model.compile("sgd", convnet.losses.MeanSquaredError())
    model.save(path)

    def edit(members):
        config = json.loads(members["config.json"])
        config["module"] = "keras.src.engine.functional"
        source, dense = config["config"]["layers"]
        source["config"] = {"batch_input_shape": [None, 4], "name": "in", "ragged": False}
        dense["inbound_nodes"] = [[["in", 0, 0, {}]]]
        config["compile_config"]["optimizer"]["config"] |= {
            "jit_compile": False,
            "is_legacy_optimizer": False,
        }
        config["compile_config"]["loss"]["config"] = {"reduction": "auto", "fn": "mse"}
        members["config.json"] = json.dumps(config)
        members["metadata.json"] = '{"keras_version": "2.13.1", "date_saved": "2023-07-01"}'
        inner = tmp_path / "inner.h5"
        inner.write_bytes(members["model.weights.h5"])
        with h5py.File(inner, "a") as file:
            file.move("layers", "_layer_checkpoint_dependencies")
        members["model.weights.h5"] = inner.read_bytes()

    rewrite_zip(path, edit)
    again = convnet.models.load_model(path)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.compiled


def test_optimizer_state_in_the_order_of_keras_2(path):
    model = recurrent_model()
    model.compile("adam", "mse")
    model.train_on_batch(X, np.ones((3, 2), np.float32))
    model.save(path)
    state = [v.numpy() for v in model.optimizer.variables]
    with h5py.File(path, "a") as file:
        group = file["optimizer_weights"]
        arrays = [state[0], *state[2::2], *state[3::2]]  # no learning rate; m of all, then v of all
        names = [f"Adam/{i:02}:0".encode() for i in range(len(arrays))]
        for name, array in zip(names, arrays, strict=True):
            group[name] = array
        group.attrs["weight_names"] = names
    again = convnet.models.load_model(path)
    for found, expected in zip(again.optimizer.variables, state, strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)


class Table(convnet.layers.Layer):
    """A layer that stores its variable in a form of its own."""

    def build(self, input_shape):
        self.table = self.add_weight(shape=(2,), initializer="zeros", name="table")
        self.built = True

    def call(self, inputs):
        return inputs

    def save_own_variables(self, store):
        store["first"] = self.table.numpy()[:1]
        store["rest"] = self.table.numpy()[1:]

    def load_own_variables(self, store):
        self.table.assign(np.concatenate([store["first"], store["rest"]]))


def test_layer_may_store_its_variables_itself(tmp_path):
    path = tmp_path / "model.keras"
    model = convnet.Sequential([convnet.Input((3,)), Table()])
    model.layers[0].table.assign([3.0, 4.0])
    model.save(path)
    again = convnet.models.load_model(path, custom_objects={"Table": Table})
    assert again.layers[0].table.numpy().tolist() == [3.0, 4.0]
