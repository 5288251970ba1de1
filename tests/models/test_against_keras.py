"""Whole models against real Keras: configs, and loading what the other wrote."""

import json

import numpy as np
import pytest

import convnet
from convnet.models import Model
from tests.layers.keras_pairs import comparable, randomize
from tests.reference.real_keras import against_keras, real_keras

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


def images(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((12, 12, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def words(library):
    layers = library.layers
    inputs = library.Input((7,), dtype="int32", name="words")
    x = layers.Embedding(11, 4, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.GRU(2)(x)
    return library.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def graph(library):
    layers = library.layers
    a, b = library.Input((4,), name="a"), library.Input((4,), name="b")
    shared = layers.Dense(4, name="shared")
    x = layers.Add()([shared(a), shared(b)])
    y = library.ops.relu(x * 2.0 - 1.0)
    z = library.ops.mean(y[:, 1:], axis=1, keepdims=True)
    return library.Model([a, b], [layers.Dense(2, name="p")(y), z], name="graph")


def nested(library):
    layers = library.layers
    inner_input = library.Input((4,), name="inner_input")
    inner = library.Model(
        inner_input, layers.Dense(4, activation="tanh")(inner_input), name="inner"
    )
    inputs = library.Input((4,), name="outer_input")
    return library.Model(inputs, layers.Dense(2)(inner(inner(inputs))), name="outer")


MODELS = {"images": images, "words": words, "graph": graph, "nested": nested}


def inputs_for(model):
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 11, (5, *t.shape[1:]))
        if "int" in str(t.dtype)
        else rng.normal(size=(5, *t.shape[1:])).astype("float32")
        for t in model.inputs
    ]
    return arrays if len(arrays) > 1 else arrays[0]


def made(library, name, policy="float32"):
    if library is convnet:
        convnet.config.clear_session()
    else:
        library.utils.clear_session()
    library.config.set_dtype_policy(policy)
    model = MODELS[name](library)
    library.config.set_dtype_policy("float32")
    return model


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", MODELS)
def test_the_config_is_that_of_keras(keras, name, policy):
    ours, theirs = made(convnet, name, policy), made(keras, name, policy)
    config = json.loads(json.dumps(ours.get_config()))
    expected = json.loads(json.dumps(theirs.get_config()))
    assert comparable(config) == comparable(expected)


@pytest.mark.parametrize("name", MODELS)
def test_a_config_of_keras_makes_the_model(keras, name):
    theirs = made(keras, name)
    config = json.loads(json.dumps(theirs.get_config()))
    kind = convnet.Sequential if name == "images" else Model
    ours = kind.from_config(config)
    randomize(theirs)
    ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    x = inputs_for(ours)
    expected, got = theirs.predict(x, verbose=0), ours.predict(x, verbose=0)
    for a, b in zip(convnet.tree.flatten(expected), convnet.tree.flatten(got), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_config_of_ours_makes_a_model_of_keras(keras, name):
    ours = made(convnet, name)
    config = json.loads(json.dumps(ours.get_config()))
    kind = keras.Sequential if name == "images" else keras.Model
    theirs = kind.from_config(config)
    assert [layer.name for layer in theirs.layers] == [layer.name for layer in ours.layers]
    assert theirs.count_params() == ours.count_params()


@pytest.mark.parametrize("name", MODELS)
def test_weights_have_the_order_and_the_paths_of_keras(keras, name):
    ours, theirs = made(convnet, name), made(keras, name)
    assert [(w.path, tuple(w.shape), w.trainable) for w in ours.weights] == [
        (w.path, tuple(w.shape), w.trainable) for w in theirs.weights
    ]
