"""Subclassed models, cloning, and what all models share."""

import numpy as np
import pytest

import convnet
from convnet import Input, Model, Sequential, layers, models
from convnet.layers import Dense

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


class Classifier(Model):
    """A model with its own call."""

    def __init__(self, classes=2, **kwargs):
        super().__init__(**kwargs)
        self.hidden = Dense(3, activation="relu", name="hidden")
        self.drop = layers.Dropout(0.5)
        self.heads = {"main": Dense(classes, name="main")}

    def call(self, inputs, training=None):
        return self.heads["main"](self.drop(self.hidden(inputs), training=training))


def test_a_subclass_builds_its_layers_when_called():
    model = Classifier()
    assert model(X).shape == (6, 2)
    assert [w.path.split("/", 1)[1] for w in model.weights] == [
        "hidden/kernel",
        "hidden/bias",
        "main/kernel",
        "main/bias",
    ]
    assert [layer.name for layer in model.layers][::2] == ["hidden", "main"]


def test_a_subclass_can_be_built_for_a_shape():
    model = Classifier()
    model.build((None, 4))
    assert model.built and model.count_params() == 15 + 8


def test_a_subclass_with_several_inputs_can_be_built():
    class Sum(Model):
        def __init__(self):
            super().__init__()
            self.left, self.right = Dense(2), Dense(2)

        def call(self, inputs):
            return self.left(inputs[0]) + self.right(inputs[1])

    model = Sum()
    model.build([(None, 4), (None, 3)])
    assert model.count_params() == 10 + 8
    assert model([X, X[:, :3]]).shape == (6, 2)


def test_a_subclass_is_made_again_from_its_config():
    model = Classifier(classes=5, name="five")
    copy = Classifier.from_config(model.get_config())
    assert copy.name == "five" and copy(X).shape == (6, 5)


def test_a_subclass_is_a_layer_of_a_functional_model():
    inputs = Input((4,))
    model = Model(inputs, Dense(1)(Classifier()(inputs)))
    assert model.count_params() == 15 + 8 + 3


def test_a_model_without_call_says_so():
    with pytest.raises(NotImplementedError, match=r"does not have a `call\(\)` method"):
        Model()(X)


def test_the_layers_attribute_is_reserved():
    with pytest.raises(AttributeError):
        Classifier().layers = []


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_a_clone_has_weights_of_its_own(kind):
    model = Sequential([Input((4,)), Dense(3), Dense(2)])
    if kind == "functional":
        inputs = Input((4,))
        model = Model(inputs, Dense(2)(Dense(3)(inputs)))
    clone = models.clone_model(model)
    assert clone.get_config()["layers"] == model.get_config()["layers"]
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone(X), model(X))


def test_a_clone_function_makes_the_layers():
    def wider(layer):
        config = layer.get_config()
        if "units" in config:
            config["units"] *= 2
        return type(layer).from_config(config)

    clone = models.clone_model(Sequential([Input((4,)), Dense(3)]), clone_function=wider)
    assert clone.output_shape == (None, 6)


def test_a_call_function_calls_the_layers():
    inputs = Input((4,))
    model = Model(inputs, Dense(3)(inputs))

    def twice(layer, *args, **kwargs):
        return layer(*args, **kwargs) * 2.0

    clone = models.clone_model(model, call_function=twice)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone(X), 2 * model(X), rtol=1e-6)


def test_a_clone_shares_what_the_model_shares():
    shared = Dense(4)
    inputs = Input((4,))
    assert len(models.clone_model(Model(inputs, shared(shared(inputs)))).weights) == 2


def test_a_subclass_is_cloned_by_its_config():
    assert models.clone_model(Classifier(classes=7))(X).shape == (6, 7)
    with pytest.raises(ValueError, match="only supported for Sequential"):
        models.clone_model(Classifier(), clone_function=lambda layer: layer)


def test_weights_move_between_equal_models():
    first, second = (Sequential([Input((4,)), Dense(3)]) for _ in range(2))
    second.set_weights(first.get_weights())
    assert np.array_equal(first.predict(X, verbose=0), second.predict(X, verbose=0))


def test_the_package_loads_its_parts_when_asked():
    assert convnet.layers.Dense is Dense and convnet.Sequential is Sequential
    assert "Sequential" in dir(convnet)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = convnet.nothing
