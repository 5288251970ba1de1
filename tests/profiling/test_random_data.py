"""Random data of the shapes that models take."""

import numpy as np
import pytest

import convnet
from convnet import layers
from convnet.profiling.random_data import random_inputs, random_targets


def compiled(outputs, loss):
    x = layers.Input((6, 4), name="x")
    model = convnet.Model(x, outputs(x))
    model.compile("sgd", loss)
    return model


def test_inputs_have_the_shapes_of_the_model():
    a, b = layers.Input((6, 4), name="a"), layers.Input((None, 3), name="b")
    model = convnet.Model([a, b], [layers.LSTM(2)(a), layers.LSTM(2)(b)])
    first, second = random_inputs(model, 5)
    assert first.shape == (5, 6, 4) and first.dtype == np.float32
    assert second.shape == (5, 32, 3), "what stands for an open size"
    assert 0 <= first.min() < first.max() <= 1
    assert [y.shape for y in model.predict([first, second], verbose=0)] == [(5, 2), (5, 2)]


def test_ids_fit_the_table_that_looks_them_up():
    inner = convnet.Sequential([layers.Input((9,)), layers.Embedding(7, 2)])
    x = layers.Input((9,))
    model = convnet.Model(x, [inner(x), layers.Embedding(50, 2)(x)])
    ids = random_inputs(model, 100)
    assert ids.dtype.kind == "i" and (ids.min(), ids.max()) == (0, 6)


def test_a_model_without_inputs_is_refused():
    with pytest.raises(ValueError, match="does not say what inputs it takes"):
        random_inputs(convnet.Sequential([layers.Dense(2)]), 3)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse"])
def test_targets_suit_the_loss(loss):
    model = compiled(lambda x: layers.Dense(3, activation="softmax")(x), loss)
    y = random_targets(model, 200)
    if loss == "mse":
        assert y.shape == (200, 6, 3) and set(np.unique(y)) == {0.0, 1.0}
    else:
        assert y.shape == (200, 6) and set(np.unique(y)) == {0, 1, 2}
    assert not model._compilation.built, "the model decides when it sees real targets"
    model.fit(random_inputs(model, 200), y, verbose=0)


def test_each_output_has_targets_of_its_own():
    def outputs(x):
        flat = layers.Flatten()(x)
        return [layers.Dense(5, activation="softmax")(flat), layers.Dense(1)(flat)]

    model = compiled(outputs, ["sparse_categorical_crossentropy", "mae"])
    first, second = random_targets(model, 10)
    assert first.shape == (10,) and second.shape == (10, 1)
    model.fit(random_inputs(model, 10), [first, second], verbose=0)
