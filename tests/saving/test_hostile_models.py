"""Whole files with one thing wrong: each is refused by name, runs nothing, changes nothing."""

import json
import logging
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

import convnet


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.ERROR, logger="convnet")


def make_model():
    inputs = convnet.Input((3,), name="in")
    hidden = convnet.layers.Dense(4, activation="relu", name="hidden")(inputs)
    model = convnet.Model(inputs, convnet.layers.Dense(2, name="out")(hidden), name="model")
    model.compile("adam", "mse")
    return model


@pytest.fixture
def keras_path(tmp_path):
    path = tmp_path / "model.keras"
    make_model().save(path)
    return path


@pytest.fixture
def h5_path(tmp_path):
    path = tmp_path / "model.h5"
    make_model().save(path)
    return path


def edit_config(path, edit):
    """Changes the config of a .keras file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config = edit(config) or config
    members["config.json"] = config if isinstance(config, str) else json.dumps(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def edit_h5_config(path, edit):
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        config = edit(config) or config
        file.attrs["model_config"] = json.dumps(config)


def layer(config, name):
    layers = config["config"]["layers"]
    return next(each for each in layers if each["config"]["name"] == name)


def assert_refused(path, problem):
    with pytest.raises(ValueError, match=problem) as error:
        convnet.models.load_model(path, safe_mode=False)
    assert path.name in str(error.value)


def replace(name, **values):
    def edit(config):
        layer(config, name).update(values)

    return edit


def set_config(name, **values):
    def edit(config):
        layer(config, name)["config"].update(values)

    return edit


def set_optimizer(**values):
    def edit(config):
        config["compile_config"]["optimizer"].update(values)

    return edit


def set_top(**values):
    def edit(config):
        config.update(values)

    return edit


LAMBDA = {"class_name": "__lambda__", "config": {"value": {"code": "4wAAAAA="}}}

EDITS = {
    "lambda_layer": (replace("hidden", class_name="Lambda", config={"function": LAMBDA}), "code"),
    "lambda_activation": (set_config("hidden", activation=LAMBDA), "code|lambda"),
    "os_system": (replace("hidden", module="os", class_name="system"), "Could not locate class"),
    "unknown_module": (replace("hidden", module="evil", class_name="Dense"), "Could not locate"),
    "get_file": (
        replace("hidden", module="keras.utils", class_name="get_file"),
        "Could not locate class 'get_file'",
    ),
    "load_model": (
        set_top(module="keras.saving", class_name="load_model", config={"filepath": "x"}),
        "Could not locate class 'load_model'",
    ),
    "function_as_model": (
        set_top(class_name="function", module="builtins", config="relu"),
        "Expected the config of a model",
    ),
    "layer_as_model": (
        set_top(class_name="Dense", module="keras.layers", config={"units": 2}, build_config=None),
        "Expected the config of a model|compile",
    ),
    "class_name_is_no_text": (replace("hidden", class_name=["Dense"]), "class_name"),
    "config_is_no_dictionary": (replace("hidden", config=[1, 2]), "Expected"),
    "unknown_argument": (set_config("hidden", filepath="/etc/passwd"), "filepath"),
    "unknown_activation": (set_config("hidden", activation="os.system"), "os.system"),
    "unknown_initializer": (
        set_config("hidden", kernel_initializer={"class_name": "Popen", "config": {"args": "x"}}),
        "Popen",
    ),
    "unknown_optimizer": (set_optimizer(module="os", class_name="system"), "system"),
    "huge_layer": (set_config("hidden", units=10**12), "bytes that the file's weights leave"),
    "huge_input": (
        set_config("in", batch_shape=[None, 10**12]),
        "incompatible with the layer",
    ),
    "negative_units": (set_config("hidden", units=-4), "units"),
    "units_are_text": (set_config("hidden", units="four"), "four|units"),
    "other_units": (set_config("out", units=3), "variable.shape"),
    "nan": (
        lambda config: json.dumps(config).replace('"learning_rate": 0.001', '"learning_rate": NaN'),
        "NaN is not a number",
    ),
    "list_at_the_top": (lambda config: "[]", "expected a dictionary"),
    "nested_too_deep": (lambda config: '{"a":' * 10_000 + "1" + "}" * 10_000, "too deep"),
    "reads_from_nowhere": (
        lambda config: json.dumps(config).replace('["hidden", 0, 0]', '["gone", 0, 0]'),
        "Unknown layer: gone",
    ),
    "reads_from_itself": (
        lambda config: json.dumps(config).replace('["in", 0, 0]', '["out", 0, 0]', 1),
        "loops or disconnected|There is no tensor|Could not load",
    ),
    "no_layers": (lambda config: config["config"].pop("layers") and None, "Could not load"),
    "no_name": (lambda config: layer(config, "out").pop("name") and None, "name"),
    "no_config": (replace("hidden", config=None), "units"),
    "no_outputs": (
        lambda config: config["config"].pop("output_layers") and None,
        "output_layers' is missing|Could not load",
    ),
    "outputs_are_no_list": (
        lambda config: config["config"].update(output_layers=7),
        "Could not load",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_hostile_config_is_refused(keras_path, name):
    edit, problem = EDITS[name]
    edit_config(keras_path, edit)
    assert_refused(keras_path, problem)


H5_EDITS = {
    "lambda_layer": (
        replace("hidden", class_name="Lambda", config={"function": ["4wAA", None, None]}),
        "code",
    ),
    "unknown_layer": (replace("hidden", class_name="Popen"), "Could not locate class 'Popen'"),
    "huge_layer": (set_config("hidden", units=10**12), "bytes that the file's weights leave"),
    "other_units": (set_config("out", units=3), "Shape mismatch"),
}


@pytest.mark.parametrize("name", H5_EDITS)
def test_hostile_config_in_h5_is_refused(h5_path, name):
    edit, problem = H5_EDITS[name]
    edit_h5_config(h5_path, edit)
    assert_refused(h5_path, problem)


def test_h5_without_config_is_refused(h5_path):
    with h5py.File(h5_path, "a") as file:
        del file.attrs["model_config"]
    assert_refused(h5_path, "No model config found")


def test_h5_whose_names_lead_elsewhere_is_refused(h5_path):
    with h5py.File(h5_path, "a") as file:
        group = file["model_weights"]
        group.attrs["layer_names"] = [b"in", b"hidden", b"../model_weights/out"]
    assert_refused(h5_path, r"there is no '\.\.' in")


def test_h5_with_soft_linked_weights_is_refused(h5_path):
    with h5py.File(h5_path, "a") as file:
        group = file["model_weights/hidden"]
        name = group.attrs["weight_names"][0].decode()
        del group[name]
        group[name] = h5py.SoftLink("/model_weights/out")
    assert_refused(h5_path, "soft link")


def weights_of(path, tmp_path):
    with zipfile.ZipFile(path) as archive:
        inner = tmp_path / "inner.h5"
        inner.write_bytes(archive.read("model.weights.h5"))
    return inner


def put_back(path, inner):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["model.weights.h5"] = inner.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def external_link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/0")


def virtual(file):
    del file["layers/dense/vars/0"]
    layout = h5py.VirtualLayout(shape=(3, 4), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(3, 4))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def external_storage(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (3, 4), "f4", external=[(b"/etc/passwd", 0, 48)])


def bomb(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (2**20, 2**20), "f4", chunks=True, compression=9)


def missing(file):
    del file["layers/dense/vars/1"]


def transposed(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = np.ones((4, 3), np.float32)


def text(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = ["a"] * 12


WEIGHTS = {
    external_link: "external link",
    virtual: "virtual",
    external_storage: "another file",
    bomb: "compressed",
    missing: "expected 2 variables, but received 1",
    transposed: r"\(3, 4\).*\(4, 3\)",
    text: "holds text",
}


@pytest.mark.parametrize("change", WEIGHTS, ids=lambda change: change.__name__)
def test_hostile_weights_are_refused(keras_path, tmp_path, change):
    inner = weights_of(keras_path, tmp_path)
    with h5py.File(inner, "a") as file:
        change(file)
    put_back(keras_path, inner)
    assert_refused(keras_path, WEIGHTS[change])


@pytest.mark.parametrize("change", WEIGHTS, ids=lambda change: change.__name__)
def test_hostile_weights_leave_the_model_as_it_was(tmp_path, change):
    model = make_model()
    path = tmp_path / "model.weights.h5"
    other = make_model()
    other.set_weights([np.full(w.shape, 7.0) for w in other.get_weights()])
    other.save_weights(path)
    with h5py.File(path, "a") as file:
        change(file)
    before = model.get_weights()
    with pytest.raises(ValueError, match=WEIGHTS[change]):
        model.load_weights(path)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("ending", ["keras", "h5", "weights.h5"])
def test_file_cut_short_anywhere_is_refused(tmp_path, ending):
    model = make_model()
    path = tmp_path / f"model.{ending}"
    model.save_weights(path) if ending == "weights.h5" else model.save(path)
    data = path.read_bytes()
    before = model.get_weights()
    for end in range(0, len(data), len(data) // 60):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=path.name):
            model.load_weights(path)
        if ending != "weights.h5":
            with pytest.raises(ValueError, match=path.name):
                convnet.models.load_model(path)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_damaged_bytes_never_do_worse_than_a_named_error(tmp_path, ending):
    rng = np.random.default_rng(3)
    path = tmp_path / f"model.{ending}"
    make_model().save(path)
    data = path.read_bytes()
    for _ in range(150):
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=4):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            convnet.models.load_model(path)
        except ValueError as error:
            assert path.name in str(error)


def test_file_of_another_kind_is_refused(tmp_path):
    for name in ("model.keras", "model.h5", "model.hdf5"):
        path = tmp_path / name
        path.write_bytes(b"\x80\x04\x95pickled")
        assert_refused(path, "Invalid")


def test_lambda_of_the_file_is_not_run(keras_path, tmp_path):
    """The bytecode of Keras's own form, which would make a file if anything ran it."""
    mark = tmp_path / "ran"
    code = (
        "import base64, json, marshal, sys\n"
        f"code = compile('open({str(mark)!r}, \"w\")', 'x', 'eval')\n"
        "print(base64.b64encode(marshal.dumps(code)).decode())"
    )
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    value = {"code": text.strip(), "defaults": None, "closure": None}
    function = {"class_name": "__lambda__", "config": {"value": value}}
    edit_config(keras_path, replace("hidden", class_name="Lambda", config={"function": function}))
    assert_refused(keras_path, "code")
    assert not mark.exists()
