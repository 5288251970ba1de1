"""Which weights train, and models that share layers."""

import re

import numpy as np
import pytest

import convnet
from convnet import layers
from tests.training.nets import X, Y, classifier


def network():
    model = convnet.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(5, activation="tanh", name="first"),
            layers.Dense(3, activation="softmax", name="last"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def changed(model, train):
    """Names of the layers whose weights `train` changes."""
    before = {layer.name: layer.get_weights() for layer in model.layers}
    train()
    return {
        layer.name
        for layer in model.layers
        if any(
            not np.array_equal(a, b)
            for a, b in zip(before[layer.name], layer.get_weights(), strict=True)
        )
    }


def test_frozen_layers_stay_as_they_are():
    model = network()
    model.get_layer("first").trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert changed(model, lambda: model.fit(X, Y, verbose=0)) == {"last"}


@pytest.mark.parametrize("fits", [0, 1])
def test_what_trains_is_settled_when_a_model_is_compiled(fits):
    model = network()
    for _ in range(fits):
        model.fit(X, Y, verbose=0)
    model.get_layer("first").trainable = False
    assert changed(model, lambda: model.fit(X, Y, verbose=0)) == {"first", "last"}
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert changed(model, lambda: model.fit(X, Y, verbose=0)) == {"last"}


def test_layers_added_after_compiling_train():
    model = network()
    model.add(layers.Dense(3, activation="softmax", name="added"))
    assert changed(model, lambda: model.fit(X, Y, verbose=0)) == {"first", "last", "added"}


def test_a_critic_trains_alone_and_is_frozen_within_another_model():
    critic = convnet.Sequential([layers.Input((4,)), layers.Dense(1, activation="sigmoid")])
    critic.compile("sgd", "binary_crossentropy")
    critic.trainable = False
    maker = convnet.Sequential([layers.Input((2,)), layers.Dense(4)])
    both = convnet.Sequential([layers.Input((2,)), maker, critic])
    both.compile("sgd", "binary_crossentropy")
    noise, ones = np.ones((8, 2)), np.ones((8, 1))
    for _ in range(2):
        assert changed(both, lambda: both.train_on_batch(noise, ones)) == {maker.name}
        assert changed(both, lambda: critic.train_on_batch(X[:8], ones)) == {critic.name}


def test_models_that_share_a_layer_train_in_turns():
    one = network()
    other = convnet.Sequential([layers.Input((4,)), one.get_layer("first"), layers.Dense(1)])
    other.compile("adam", "mse")
    for _ in range(2):
        assert "first" in changed(one, lambda: one.fit(X, Y, verbose=0))
        assert "first" in changed(one, lambda: other.fit(X, Y.reshape(-1, 1), verbose=0))


def test_weights_set_between_fits_are_trained_on():
    model = network()
    model.fit(X, Y, verbose=0)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, verbose=0)
    assert all((w == 0).all() for w in model.get_weights())


@pytest.mark.parametrize("name", ["train_step", "test_step", "compute_loss"])
def test_models_with_steps_of_their_own_are_refused(name):
    own = type("Own", (convnet.Sequential,), {name: lambda self, *args: None})
    model = own([layers.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match=re.escape(f"cannot override {name}")):
        model.fit(X, Y, verbose=0)
    assert model.predict(X, verbose=0).shape == (20, 3)


def test_weights_of_unknown_outputs():
    with pytest.raises(ValueError, match=re.escape("Received: ['other']")):
        classifier().fit(X, Y, sample_weight={"other": np.ones(20)}, verbose=0)
