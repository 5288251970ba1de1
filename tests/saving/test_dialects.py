import numpy as np
import pytest

from convnet.saving import dialects

TENSOR = {
    "class_name": "__keras_tensor__",
    "config": {"shape": [], "dtype": "float32", "keras_history": ["a", 0, 0]},
}


def dense(name="dense", **config):
    return {"class_name": "Dense", "config": {"name": name, "trainable": True, **config}}


def functional(*layers):
    config = {"layers": list(layers), "input_layers": [], "output_layers": []}
    return dialects.modernize("Model", None, config)


def nodes_of(class_name, inbound_nodes):
    layer = {"class_name": class_name, "name": "x", "config": {}, "inbound_nodes": inbound_nodes}
    return functional(layer)[2]["layers"][0]["inbound_nodes"]


def test_sequential_of_keras_2_is_a_list():
    name, _, config = dialects.modernize("Sequential", None, [dense()])
    assert (name, config) == ("Sequential", {"name": None, "layers": [dense()]})


def test_first_layer_with_a_batch_shape_gets_an_input_layer():
    layer = dense(batch_input_shape=[None, 3], dtype="float32")
    _, _, config = dialects.modernize("Sequential", None, {"layers": [layer]})
    assert config["layers"][0] == {
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, 3], "dtype": "float32", "name": "dense_input"},
    }


def test_input_layer_is_not_doubled():
    source = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3]}}
    _, _, config = dialects.modernize("Sequential", None, {"layers": [source, dense()]})
    assert config["layers"] == [source, dense()]


def test_model_of_keras_2_is_functional():
    assert functional()[0] == "Functional"


def test_keras_3_nodes_stay_as_they_are():
    node = {"args": [TENSOR], "kwargs": {"training": False}}
    assert nodes_of("Dense", [node]) == [node]


def test_keras_2_node_of_one_tensor():
    expected = {"args": [TENSOR], "kwargs": {"training": False}}
    assert nodes_of("Dropout", [[["a", 0, 0, {"training": False}]]]) == [expected]


def test_keras_2_node_of_several_tensors():
    (node,) = nodes_of("Add", [[["a", 0, 0, {}], ["a", 0, 0, {}]]])
    assert node == {"args": [[TENSOR, TENSOR]], "kwargs": {}}


def test_keras_2_shared_layer_has_a_node_for_each_call():
    nodes = nodes_of("Dense", [[["a", 0, 0, {}]], [["b", 1, 0, {}]]])
    histories = [node["args"][0]["config"]["keras_history"] for node in nodes]
    assert histories == [["a", 0, 0], ["b", 1, 0]]


def test_keras_2_tensors_in_keyword_arguments():
    (node,) = nodes_of("Attention", [[["a", 0, 0, {"mask": ["a", 0, 0], "x": [1, 2, 3]}]]])
    assert node["kwargs"] == {"mask": TENSOR, "x": [1, 2, 3]}


def test_keras_2_initial_state_came_behind_the_sequence():
    (node,) = nodes_of("LSTM", [[["a", 0, 0, {}], ["a", 0, 0, {}], ["a", 0, 0, {}]]])
    assert node == {"args": [TENSOR], "kwargs": {"initial_state": [TENSOR, TENSOR]}}


@pytest.mark.parametrize("nodes", [["text"], [["text"]], [[["a", 0]]], [{"args": []}], [7]])
def test_impossible_nodes_are_refused(nodes):
    with pytest.raises(ValueError, match=r"Cannot deserialize|to be a list"):
        nodes_of("Dense", nodes)


def test_number_of_layers_is_limited(monkeypatch):
    monkeypatch.setattr(dialects, "MAX_LAYERS", 3)
    with pytest.raises(ValueError, match=r"at most 3 'layers'. Received: 4"):
        functional(*[dense()] * 4)


@pytest.mark.parametrize(
    ("name", "key", "neutral", "meaningful"),
    [
        ("LSTM", "time_major", False, True),
        ("BatchNormalization", "renorm", False, True),
        ("BatchNormalization", "virtual_batch_size", None, 4),
        ("Dense", "quantization_config", None, {"mode": "int8"}),
    ],
)
def test_keys_of_other_versions_are_dropped_only_where_they_mean_nothing(
    name, key, neutral, meaningful
):
    for value, kept in ((neutral, False), (meaningful, True)):
        config = {"name": "x", "trainable": True, key: value}
        assert (key in dialects.modernize(name, "keras.layers", config)[2]) == kept


def test_initializers_of_old_tensorflow_lose_their_dtype():
    old = {"class_name": "Zeros", "config": {"dtype": "float32"}}
    config = dense(bias_initializer=old)["config"]
    modern = dialects.modernize("Dense", None, config)[2]
    assert modern["bias_initializer"] == {"class_name": "Zeros", "config": {}}


def test_batch_normalization_axis_may_be_a_list():
    config = {"trainable": True, "axis": [3]}
    assert dialects.modernize("BatchNormalization", None, config)[2]["axis"] == 3


def test_config_that_is_given_is_not_changed():
    config = {"name": "x", "batch_input_shape": [None, 3]}
    dialects.modernize("InputLayer", None, config)
    assert config == {"name": "x", "batch_input_shape": [None, 3]}


def test_op_and_layer_of_one_name_are_told_apart_by_their_config():
    layer = {"name": "add", "trainable": True}
    assert dialects.modernize("Add", None, layer)[1] is None
    assert dialects.modernize("Add", None, {"name": "add"})[1] == "keras.src.ops.numpy"


@pytest.mark.parametrize(("version", "changed"), [("2.9.0", True), ("1", True), ("3.15.1", False)])
def test_hard_sigmoid_depends_on_the_version(version, changed):
    config = {"layers": [{"config": {"recurrent_activation": "hard_sigmoid", "name": "x"}}]}
    restored = dialects.restore_hard_sigmoid(config, version)
    assert (restored != config) == changed


def test_hard_sigmoid_of_keras_2():
    x = np.array([-3.0, -1.0, 0.0, 2.0, 3.0], np.float32)
    expected = np.clip(0.2 * x + 0.5, 0, 1)
    np.testing.assert_allclose(dialects.keras_2_hard_sigmoid(x), expected, rtol=1e-6)
