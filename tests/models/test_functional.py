"""Functional models: graphs of layers, several inputs and outputs, shared and nested layers."""

import json

import numpy as np
import pytest

import convnet
from convnet import Input, Model, layers, ops, tree
from convnet.layers import Add, Concatenate, Dense

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def two_by_two():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    x = Concatenate()([Dense(3, name="left")(a), b])
    return Model([a, b], [Dense(2, name="p")(x), Dense(1, name="q")(x)], name="two_by_two")


def feed():
    return [X, X[:, :3]]


def rebuilt(model):
    copy = type(model).from_config(json.loads(json.dumps(model.get_config())))
    copy.set_weights(model.get_weights())
    return copy


def assert_equal_outputs(first, second, x):
    for a, b in zip(tree.flatten(first(x)), tree.flatten(second(x)), strict=True):
        assert np.array_equal(a, b)


def test_a_model_computes_what_its_layers_do():
    inputs = Input((4,))
    hidden, output = Dense(5, activation="relu"), Dense(2)
    model = Model(inputs, output(hidden(inputs)))
    expected = np.maximum(X @ hidden.kernel.numpy(), 0) @ output.kernel.numpy()
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)
    assert model.input_shape == (None, 4) and model.output_shape == (None, 2)


def test_several_inputs_and_outputs():
    model = two_by_two()
    p, q = model(feed())
    assert p.shape == (6, 2) and q.shape == (6, 1)
    assert model.input_names == ["a", "b"] and model.output_names == ["p", "q"]
    assert model.input_shape == [(None, 4), (None, 3)]


@pytest.mark.parametrize("inputs", [feed(), tuple(feed()), dict(zip("ab", feed(), strict=True))])
def test_inputs_may_come_in_any_container(inputs):
    model = two_by_two()
    assert np.array_equal(model(inputs)[0], model(feed())[0])


def test_outputs_keep_their_structure():
    named = Input((4,), name="x")
    model = Model({"x": named}, {"plus": named + 1.0, "twice": named * 2.0})
    outputs = model({"x": X})
    assert sorted(outputs) == ["plus", "twice"]
    assert np.array_equal(outputs["twice"], X * 2)


def test_a_missing_input_is_named():
    with pytest.raises(ValueError, match="doesn't match the expected structure"):
        two_by_two()([X])
    with pytest.raises(ValueError, match="doesn't match the expected structure"):
        two_by_two()({"a": X})


def test_a_wrong_size_is_named():
    with pytest.raises(ValueError, match=r"expected shape=\(None, 4\), found shape=\(6, 3\)"):
        two_by_two()([X[:, :3], X[:, :3]])


def test_a_last_axis_of_size_one_may_be_missing():
    inputs = Input((1,))
    model = Model(inputs, inputs * 2.0)
    assert model(np.array([1.0, 2.0])).tolist() == [[2.0], [4.0]]


def test_a_shared_layer_has_its_weights_once():
    shared = Dense(4)
    inputs = Input((4,))
    model = Model(inputs, shared(shared(inputs)))
    assert len(model.weights) == 2 and len(model.layers) == 2
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model(X), (X @ kernel + bias) @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_models_are_layers():
    inner = two_by_two()
    a, b = Input((4,)), Input((3,))
    p, q = inner([a, b])
    outer = Model([a, b], Add()([p, q]))
    assert outer.count_params() == inner.count_params()
    first, second = inner(feed())
    np.testing.assert_allclose(outer(feed()), first + second, rtol=1e-6)


def test_ops_are_nodes():
    inputs = Input((4,))
    model = Model(inputs, ops.relu(inputs * 2.0 - 1.0)[:, 1:])
    assert [type(op).__name__ for op in model.operations] == [
        "InputLayer",
        "Multiply",
        "Subtract",
        "Relu",
        "GetItem",
    ]
    np.testing.assert_allclose(model(X), np.maximum(X * 2 - 1, 0)[:, 1:])


def test_a_part_of_a_model_shares_its_layers():
    inputs = Input((4,))
    hidden = Dense(5, activation="relu", name="hidden")(inputs)
    whole = Model(inputs, Dense(2, name="last")(hidden))
    features, head = Model(inputs, hidden), Model(hidden, whole.output)
    np.testing.assert_allclose(head(features(X)), whole(X), rtol=1e-6)
    assert head.get_layer("last") is whole.get_layer("last")


def test_layers_are_found_by_name_and_index():
    model = two_by_two()
    assert model.get_layer("left") is model.get_layer(index=1)
    with pytest.raises(ValueError, match="No such layer: right"):
        model.get_layer("right")
    with pytest.raises(ValueError, match="model only has 6 layers"):
        model.get_layer(index=6)
    with pytest.raises(ValueError, match="Provide either a layer name or layer index"):
        model.get_layer()


def test_an_output_that_depends_on_another_input_is_refused():
    a, b = Input((4,)), Input((4,))
    with pytest.raises(ValueError, match="Graph disconnected"):
        Model(a, Dense(2)(a + b))


def test_two_layers_of_one_name_are_refused():
    inputs = Input((4,))
    with pytest.raises(ValueError, match='"same" is used 2 times'):
        Model(inputs, Dense(2, name="same")(Dense(3, name="same")(inputs)))


def test_arrays_are_no_inputs():
    with pytest.raises(ValueError, match="must be KerasTensors"):
        Model(X, Dense(2)(Input((4,))))


@pytest.mark.parametrize("name", ["plain", "nested", "shared", "ops", "masked", "dictionary"])
def test_a_config_makes_an_equal_model(name):
    inputs = Input((4,), name="x")
    if name == "plain":
        model, x = two_by_two(), feed()
    elif name == "nested":
        inner = Model(inputs, Dense(4)(inputs))
        other = Input((4,))
        model, x = Model(other, Dense(2)(inner(inner(other)))), X
    elif name == "shared":
        shared = Dense(4)
        model, x = Model(inputs, [shared(inputs), shared(shared(inputs))]), X
    elif name == "ops":
        middle = ops.concatenate([inputs[:, :2], 1.0 - inputs], axis=-1)
        model, x = Model(inputs, ops.mean(ops.sqrt(ops.square(middle)), axis=1)), X
    elif name == "masked":
        words = Input((5,), dtype="int32")
        embedded = layers.Embedding(9, 3, mask_zero=True)(words)
        model = Model(words, layers.LSTM(2)(layers.Dropout(0.5)(embedded)))
        x = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 7]])
    else:
        model, x = Model({"x": inputs}, {"y": Dense(2)(inputs)}), {"x": X}
    assert_equal_outputs(model, rebuilt(model), x)


def test_a_config_with_a_circle_is_refused():
    config = json.loads(json.dumps(two_by_two().get_config()))
    left = next(layer for layer in config["layers"] if layer["name"] == "left")
    tensor = left["inbound_nodes"][0]["args"][0]["config"]
    tensor["keras_history"] = ["p", 0, 0]
    with pytest.raises(ValueError, match="has loops or disconnected nodes"):
        Model.from_config(config)


def test_a_config_that_names_an_unknown_layer_is_refused():
    config = json.loads(json.dumps(two_by_two().get_config()))
    config["output_layers"] = [["nothing", 0, 0]]
    with pytest.raises(ValueError, match="There is no tensor"):
        Model.from_config(config)


def test_to_json_and_back():
    model = two_by_two()
    copy = convnet.models.model_from_json(model.to_json())
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]


def test_a_deep_model_needs_no_recursion():
    inputs = x = Input((2,))
    for _ in range(1500):
        x = ops.relu(x)
    assert len(Model(inputs, x).operations) == 1501


def test_a_subclass_may_be_functional():
    class Named(Model):
        def __init__(self):
            inputs = Input((4,))
            super().__init__(inputs=inputs, outputs=Dense(2)(inputs))
            self.note = "kept"

    model = Named()
    assert model(X).shape == (6, 2) and model.note == "kept" and isinstance(model, Model)


def test_variable_sizes_are_planned_for_each():
    inputs = Input((None, 4))
    model = Model(inputs, layers.GlobalMaxPooling1D()(layers.Conv1D(3, 2)(inputs)))
    for steps in (3, 7):
        assert model(np.zeros((2, steps, 4), "float32")).shape == (2, 3)
