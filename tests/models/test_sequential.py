"""Sequential models: adding and removing layers, building early and late."""

import json

import numpy as np
import pytest

from convnet import Input, Model, Sequential, config, layers
from convnet.layers import Dense

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def test_weights_are_made_as_layers_are_added():
    model = Sequential()
    model.add(Input((4,)))
    model.add(Dense(3))
    assert len(model.weights) == 2
    model.add(Dense(2))
    assert len(model.weights) == 4 and model.output_shape == (None, 2)


def test_without_an_input_the_first_call_makes_the_weights():
    model = Sequential([Dense(3), Dense(2)])
    assert not model.built and model.weights == []
    assert model(X).shape == (6, 2)
    assert model.built and model.input_shape == (None, 4)


def test_build_makes_the_weights():
    model = Sequential([Dense(3)])
    model.build((None, 4))
    assert model.count_params() == 15


def test_an_unbuilt_model_has_no_shapes():
    with pytest.raises(AttributeError, match="no defined input shape yet"):
        _ = Sequential([Dense(3)]).input_shape


def test_paths_start_with_the_model():
    config.clear_session()
    model = Sequential([Input((4,)), Dense(3)], name="net")
    assert [w.path for w in model.weights] == ["net/dense/kernel", "net/dense/bias"]


def test_the_input_layer_is_not_among_the_layers():
    model = Sequential([Input((4,)), Dense(3)])
    assert [type(layer) for layer in model.layers] == [Dense]


def test_the_last_layer_can_be_removed():
    model = Sequential([Input((4,)), Dense(3), Dense(2)])
    first = model.layers[0]
    removed = model.pop()
    assert removed.units == 2 and model.layers == [first] and model(X).shape == (6, 3)


def test_a_changed_model_is_planned_again():
    model = Sequential([Input((4,)), Dense(3)])
    assert model.predict(X, verbose=0).shape == (6, 3)
    model.add(Dense(2))
    assert model.predict(X, verbose=0).shape == (6, 2)


def test_a_model_may_be_a_layer():
    inner = Sequential([Input((4,)), Dense(3)])
    outer = Sequential([inner, Dense(2)])
    assert outer.built and outer.count_params() == 15 + 8
    np.testing.assert_allclose(outer(X), outer.layers[1](inner(X)), rtol=1e-6)


@pytest.mark.parametrize(
    ("layers_", "message"),
    [
        (["dense"], "Only instances of `keras.Layer` can be added"),
        ([Dense(3, name="a"), Dense(2, name="a")], "should have unique names. Name 'a'"),
        ([Input((4,)), Input((3,))], "You cannot add a different Input layer"),
        ([Input((4,)), layers.LSTM(3)], "expected ndim=3, found ndim=2"),
    ],
)
def test_impossible_layers_are_refused(layers_, message):
    with pytest.raises(ValueError, match=message):
        Sequential(layers_)


def test_a_model_cannot_be_built_for_another_shape():
    model = Sequential([Input((4,)), Dense(3)])
    with pytest.raises(ValueError, match="already been configured to use input shape"):
        model.build((None, 5))
    with pytest.raises(ValueError, match="expected"):
        model(X[:, :3])


def test_a_model_without_layers_cannot_be_built():
    with pytest.raises(ValueError, match="because it has no layers"):
        Sequential().build((None, 4))


@pytest.mark.parametrize("built", [True, False])
def test_a_config_makes_an_equal_model(built):
    model = Sequential([*([Input((4,))] if built else []), Dense(3, activation="relu"), Dense(2)])
    model(X)
    copy = Sequential.from_config(json.loads(json.dumps(model.get_config())))
    copy.set_weights(model.get_weights())
    assert np.array_equal(copy(X), model(X))


def test_a_sequence_of_layers_is_a_functional_model():
    model = Sequential([Input((4,)), Dense(3, name="a"), Dense(2, name="b")])
    features = Model(model.inputs, model.get_layer("a").output)
    np.testing.assert_allclose(model.get_layer("b")(features(X)), model(X), rtol=1e-6)


def test_training_reaches_the_layers():
    model = Sequential([Input((400,)), layers.Dropout(0.5, seed=3)])
    ones = np.ones((4, 400), "float32")
    assert np.array_equal(model(ones), ones)
    assert set(np.unique(model(ones, training=True))) == {0.0, 2.0}
