"""What convnet writes, convnet reads: weights, configs, optimizer state, in every format."""

import json
import logging
import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

import convnet
from convnet.saving import h5_file
from convnet.saving.hdf5_reader import open_hdf5
from tests.saving.sample_nets import NETS, compile_net, fill, inputs_for, targets_for

FORMATS = ["model.keras", "model.h5", "folder"]


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.ERROR, logger="convnet")


@pytest.fixture(params=NETS)
def net(request):
    return request.param


def save(model, path):
    model.save(path, zipped=path.name != "folder")
    return path


def trained(name):
    model = NETS[name](convnet)
    fill(model)
    compile_net(convnet, name, model)
    model.train_on_batch(inputs_for(model), targets_for(model))
    return model


def assert_equal_arrays(first, second):
    first, second = ([np.asarray(a) for a in arrays] for arrays in (first, second))
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def outputs_of(model):
    outputs = model.predict(inputs_for(model), verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]


def small_model(units=2):
    dense = convnet.layers.Dense(units, name="out")
    return convnet.Sequential([convnet.Input((3,)), convnet.layers.Dense(4, name="in"), dense])


@pytest.mark.parametrize("name", FORMATS)
def test_model_survives_with_weights_and_optimizer(net, name, tmp_path):
    model = trained(net)
    again = convnet.models.load_model(save(model, tmp_path / name))
    assert again.name == model.name
    assert_equal_arrays(again.get_weights(), model.get_weights())
    assert_equal_arrays(outputs_of(again), outputs_of(model))
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert_equal_arrays(
        [v.numpy() for v in again.optimizer.variables],
        [v.numpy() for v in model.optimizer.variables],
    )


def test_training_goes_on_where_it_stopped(net, tmp_path):
    model = trained(net)
    if any(isinstance(layer, convnet.layers.Dropout) for layer in model.layers):
        pytest.skip("dropout draws other numbers")
    again = convnet.models.load_model(save(model, tmp_path / "model.keras"))
    for each in (model, again):
        each.train_on_batch(inputs_for(model), targets_for(model))
    assert_equal_arrays(again.get_weights(), model.get_weights())


def test_config_is_the_same_after_a_round_trip(net, tmp_path):
    model = trained(net)
    again = convnet.models.load_model(save(model, tmp_path / "model.keras"))
    assert json.loads(again.to_json()) == json.loads(model.to_json())


def test_json_alone_gives_the_architecture(net):
    model = NETS[net](convnet)
    again = convnet.models.model_from_json(model.to_json())
    assert [v.shape for v in again.weights] == [v.shape for v in model.weights]
    again.set_weights(model.get_weights())
    assert_equal_arrays(outputs_of(again), outputs_of(model))


def test_weights_alone_survive(net, tmp_path):
    model = trained(net)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    again = NETS[net](convnet)
    again.load_weights(path)
    assert_equal_arrays(again.get_weights(), model.get_weights())


@pytest.mark.parametrize("source", ["model.keras", "model.h5"])
def test_weights_of_a_whole_model_file(net, source, tmp_path):
    model = trained(net)
    again = NETS[net](convnet)
    again.load_weights(save(model, tmp_path / source))
    assert_equal_arrays(again.get_weights(), model.get_weights())


def test_compile_false_leaves_the_model_uncompiled(tmp_path):
    model = trained("text")
    for name in FORMATS:
        again = convnet.models.load_model(save(model, tmp_path / name), compile=False)
        assert not again.compiled


def test_include_optimizer_false(tmp_path):
    trained("text").save(tmp_path / "model.h5", include_optimizer=False)
    with h5py.File(tmp_path / "model.h5") as file:
        assert "training_config" not in file.attrs
        assert "optimizer_weights" not in file
    assert not convnet.models.load_model(tmp_path / "model.h5").compiled


def test_keras_file_has_the_layout_of_keras(tmp_path):
    model = trained("cnn_sequential")
    path = save(model, tmp_path / "model.keras")
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        metadata = json.loads(archive.read("metadata.json"))
        (tmp_path / "weights.h5").write_bytes(archive.read("model.weights.h5"))
    assert [i.filename for i in infos] == ["metadata.json", "config.json", "model.weights.h5"]
    assert {i.compress_type for i in infos} == {zipfile.ZIP_STORED}
    assert set(metadata) == {"keras_version", "date_saved"}
    with h5py.File(tmp_path / "weights.h5") as file:
        assert file["layers/conv2d_1/vars"].attrs["name"] == model.layers[2].name
        assert file["layers/conv2d_1/vars/0"].shape == (3, 2, 4, 6)
        assert sorted(file["layers/batch_normalization/vars"]) == ["0", "1", "2", "3"]
        assert len(file["layers/max_pooling2d/vars"]) == 0
        assert file["optimizer/vars/0"][()] == 1


def test_models_in_models_lie_where_keras_puts_them(tmp_path):
    path = tmp_path / "model.weights.h5"
    NETS["nested"](convnet).save_weights(path)
    with h5py.File(path) as file:
        for place in (
            "layers/input_layer/vars",
            "layers/sequential/layers/dense/vars/1",
            "layers/functional/layers/input_layer/vars",
            "layers/functional/layers/dense/vars/1",
        ):
            assert place in file


def test_recurrent_layers_lie_where_keras_puts_them(tmp_path):
    path = tmp_path / "model.weights.h5"
    NETS["recurrent_mix"](convnet).save_weights(path)
    with h5py.File(path) as file:
        for place in (
            "layers/bidirectional/forward_layer/cell/vars/2",
            "layers/bidirectional/backward_layer/cell/vars/2",
            "layers/time_distributed/layer/vars/1",
            "layers/gru/cell/vars/0",
            "layers/gru_1/cell/vars/2",
            "layers/simple_rnn/cell/vars/1",
        ):
            assert place in file


def test_reading_needs_no_h5py(tmp_path):
    model = small_model()
    paths = [str(save(model, tmp_path / name)) for name in FORMATS]
    code = (
        "import sys, convnet\n"
        f"for path in {paths}:\n"
        "    convnet.models.load_model(path).load_weights(path) if '.' in path else None\n"
        "assert 'h5py' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_long_lists_of_names_are_split_as_keras_does(tmp_path):
    names = [f"a_rather_long_name_of_a_layer_{i:04}" * 3 for i in range(1500)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        h5_file._write_texts(file, "layer_names", names)
        assert "layer_names" not in file.attrs
        assert "layer_names1" in file.attrs
    assert h5_file.read_texts(open_hdf5(tmp_path / "x.h5"), "layer_names") == names


def test_unknown_endings_and_arguments_are_refused(tmp_path):
    model = small_model()
    with pytest.raises(ValueError, match="Invalid filepath extension for saving"):
        model.save(tmp_path / "model.pb")
    with pytest.raises(ValueError, match=r"not supported: \['signatures'\]"):
        model.save(tmp_path / "model.keras", signatures=None)
    with pytest.raises(ValueError, match=r"should not end in `.keras`"):
        model.save(tmp_path / "model.keras", zipped=False)
    with pytest.raises(ValueError, match=r"must end in `.weights.h5`"):
        model.save_weights(tmp_path / "model.h5")
    with pytest.raises(ValueError, match="File format not supported"):
        convnet.models.load_model(tmp_path)
    with pytest.raises(ValueError, match=r"File not found: filepath=.*model.keras"):
        convnet.models.load_model(tmp_path / "model.keras")
    assert os.listdir(tmp_path) == []


def test_existing_file_is_replaced_only_with_consent(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    path.write_bytes(b"precious")
    monkeypatch.setattr("builtins.input", lambda question: "n")
    small_model().save(path, overwrite=False)
    assert path.read_bytes() == b"precious"
    monkeypatch.setattr("builtins.input", lambda question: "y")
    small_model().save(path, overwrite=False)
    assert path.read_bytes() != b"precious"


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_failed_save_leaves_the_old_file(tmp_path, name):
    class Broken(convnet.layers.Layer):
        def call(self, inputs):
            return inputs

        def get_config(self):
            raise RuntimeError("no config today")

    path = tmp_path / name
    path.write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="no config today"):
        convnet.Sequential([convnet.Input((3,)), Broken()]).save(path)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == [name]


def test_unbuilt_model_cannot_take_or_give_weights(tmp_path):
    model = convnet.Sequential([convnet.layers.Dense(2)])
    with pytest.raises(ValueError, match="has not yet been built"):
        model.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match="has not yet been built"):
        model.load_weights(tmp_path / "model.weights.h5")
    with pytest.warns(UserWarning, match="has not yet been built"):
        model.save(tmp_path / "model.keras")
    assert not convnet.models.load_model(tmp_path / "model.keras").built


MISFIT = ["model.weights.h5", "model.keras", "model.h5"]


def misfit_file(tmp_path, name):
    """Weights of a model whose last layer is wider."""
    path, model = tmp_path / name, small_model(units=3)
    fill(model)
    model.save_weights(path) if name.endswith(".weights.h5") else model.save(path)
    return path, model


@pytest.mark.parametrize("name", MISFIT)
def test_weights_that_do_not_fit_change_nothing(tmp_path, name):
    path, _ = misfit_file(tmp_path, name)
    model = small_model()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"\(4, 2\)"):
        model.load_weights(path)
    assert_equal_arrays(model.get_weights(), before)


@pytest.mark.parametrize("name", MISFIT)
def test_skip_mismatch_loads_the_rest(tmp_path, name):
    path, other = misfit_file(tmp_path, name)
    model = small_model()
    before = model.get_weights()
    with pytest.warns(UserWarning, match=r"could not be loaded|Skipping"):
        model.load_weights(path, skip_mismatch=True)
    assert_equal_arrays(model.get_weights()[:2], other.get_weights()[:2])
    assert_equal_arrays(model.get_weights()[2:], before[2:])


def test_by_name_matches_layers_by_name(tmp_path):
    source = small_model()
    fill(source)
    source.save(tmp_path / "model.h5")
    layers = [convnet.layers.Dense(2, name="new"), convnet.layers.Dense(4, name="in")]
    model = convnet.Sequential([convnet.Input((3,)), layers[1], layers[0]])
    before = model.get_weights()
    model.load_weights(tmp_path / "model.h5", by_name=True)
    assert_equal_arrays(model.get_weights(), [*source.get_weights()[:2], *before[2:]])


@pytest.mark.parametrize("name", ["model.weights.h5", "model.keras"])
def test_by_name_is_for_legacy_files(tmp_path, name):
    path, model = misfit_file(tmp_path, name)
    with pytest.raises(ValueError, match="`by_name` only supports loading legacy"):
        model.load_weights(path, by_name=True)


def test_number_of_layers_must_match_in_legacy_files(tmp_path):
    small_model().save(tmp_path / "model.h5")
    model = convnet.Sequential([convnet.Input((3,)), convnet.layers.Dense(2)])
    with pytest.raises(ValueError, match="Model expected 1 layers, found 2 saved layers"):
        model.load_weights(tmp_path / "model.h5")


@convnet.saving.register_keras_serializable("tests")
class Blocks(convnet.Model):
    """Layers in attributes of every kind, in an order other than the alphabet's."""

    def __init__(self, width=3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.stem = convnet.layers.Dense(width)
        self.blocks = [convnet.layers.Dense(width), convnet.layers.Dense(width)]
        self.heads = {"a": convnet.layers.Dense(2)}
        self._hidden = convnet.layers.Dense(width)

    def call(self, inputs):
        x = self._hidden(self.stem(inputs))
        for block in self.blocks:
            x = block(x)
        return self.heads["a"](x)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def test_subclassed_model_is_stored_by_attributes(tmp_path):
    model = Blocks()
    x = np.ones((2, 4), np.float32)
    expected = model(x)
    model.save(tmp_path / "model.keras")
    again = convnet.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), expected)
    model.save_weights(tmp_path / "model.weights.h5")
    with h5py.File(tmp_path / "model.weights.h5") as file:
        # `layers` comes before `stem` in the alphabet, and private attributes come last.
        assert sorted(file) == ["blocks", "heads", "layers", "vars"]
        assert sorted(file["blocks"]) == ["dense", "dense_1"]
        assert sorted(file["heads"]) == ["dense"]
