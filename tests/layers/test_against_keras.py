"""Each layer against real Keras: config, shapes, outputs, and one step of training."""

import json

import numpy as np
import pytest

import convnet
from convnet import tree
from tests.layers import keras_pairs
from tests.layers.keras_cases import CASES
from tests.reference.real_keras import against_keras, real_keras

pytestmark = against_keras


@pytest.fixture(scope="module")
def keras():
    return real_keras()


@pytest.mark.parametrize("name", CASES)
def test_the_config_is_that_of_keras(keras, name):
    keras.utils.clear_session()
    convnet.config.clear_session()
    theirs = CASES[name].make(keras.layers)
    ours = CASES[name].make(convnet.layers)
    expected = keras.saving.serialize_keras_object(theirs)
    expected.pop("build_config", None)
    config = keras_pairs.config_of(ours)
    config.pop("build_config", None)
    assert config == keras_pairs.comparable(expected)


@pytest.mark.parametrize("name", CASES)
def test_a_config_of_keras_makes_the_layer(keras, name):
    theirs = json.loads(json.dumps(CASES[name].make(keras.layers).get_config()))
    ours = type(CASES[name].make(convnet.layers)).from_config(theirs)
    assert keras_pairs.comparable(json.loads(json.dumps(ours.get_config()))) == (
        keras_pairs.comparable(theirs)
    )


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_keras(keras, name):
    case = CASES[name]
    theirs, ours = keras_pairs.pair(keras, case)
    x = keras_pairs.inputs_of(case)
    expected, outputs = theirs.predict(x, verbose=0), ours.predict(x, verbose=0)
    for want, got in zip(tree.flatten(expected), tree.flatten(outputs), strict=True):
        np.testing.assert_allclose(got, want, rtol=case.tolerance, atol=case.tolerance)
    shapes = [tensor.shape for tensor in tree.flatten(theirs.outputs)]
    assert [tensor.shape for tensor in ours.outputs] == shapes


@pytest.mark.parametrize("name", CASES)
def test_a_step_of_training_changes_weights_as_in_keras(keras, name):
    case = CASES[name]
    theirs, ours = keras_pairs.pair(keras, case)
    if not theirs.trainable_weights:
        theirs, ours = (_after_dense(library, case) for library in (keras, convnet))
        keras_pairs.randomize(theirs)
        ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    x = keras_pairs.inputs_of(case)
    outputs = tree.flatten(theirs.predict(x, verbose=0))
    targets = [np.random.default_rng(2).normal(size=o.shape).astype("float32") for o in outputs]
    losses = []
    for model, library in ((theirs, keras), (ours, convnet)):
        model.compile(library.optimizers.SGD(0.1), loss="mse")
        y = targets if len(targets) > 1 else targets[0]
        losses.append(tree.flatten(model.train_on_batch(x, y))[0])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    for want, got in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=10 * case.tolerance)


def _after_dense(library, case):
    """The layer after one with weights, so that a gradient has to pass it."""
    if case.integers is not None:
        pytest.skip("no gradient flows to whole numbers")
    several = isinstance(case.shape, list)
    inputs = [library.Input(shape[1:]) for shape in (case.shape if several else [case.shape])]
    spread = [library.layers.Dense(x.shape[-1])(x) for x in inputs]
    outputs = case.make(library.layers)(spread if several else spread[0])
    return library.Model(inputs if several else inputs[0], outputs)
