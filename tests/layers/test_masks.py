"""Masks: where they come from, how far they go, what they change."""

import numpy as np
import pytest

import convnet
from convnet import layers, tree
from tests.layers import keras_pairs
from tests.reference.real_keras import against_keras, real_keras

IDS = np.array([[3, 1, 0, 0], [2, 2, 5, 0], [0, 4, 0, 1], [7, 1, 2, 3], [0, 0, 0, 1]])

# What follows an Embedding with mask_zero.
MODELS = {
    "lstm": lambda L, x: L.LSTM(3)(x),
    "lstm, sequences": lambda L, x: L.LSTM(3, return_sequences=True)(x),
    "gru, backwards": lambda L, x: L.GRU(3, go_backwards=True, return_state=True)(x),
    "simple rnn": lambda L, x: L.SimpleRNN(3, return_sequences=True)(x),
    "unrolled cell": lambda L, x: L.RNN(L.LSTMCell(3, activation="gelu"))(x),
    "unrolled cell, sequences": lambda L, x: L.RNN(
        L.GRUCell(3, activation="gelu"), return_sequences=True, zero_output_for_mask=True
    )(x),
    "bidirectional": lambda L, x: L.Bidirectional(L.LSTM(3, return_sequences=True))(x),
    "stacked": lambda L, x: L.LSTM(2)(L.Dropout(0.5)(L.LSTM(3, return_sequences=True)(x))),
    "average": lambda L, x: L.GlobalAveragePooling1D()(x),
    "time distributed": lambda L, x: L.LSTM(3)(L.TimeDistributed(L.Dense(3))(x)),
    "added": lambda L, x: L.LSTM(3)(L.Add()([x, L.Dense(4)(x)])),
    "concatenated": lambda L, x: L.GRU(3)(L.Concatenate()([x, L.Dense(4)(x)])),
}


def embedded(library, rest):
    inputs = library.Input((4,), dtype="int32")
    x = library.layers.Embedding(9, 4, mask_zero=True)(inputs)
    return library.Model(inputs, rest(library.layers, x))


@against_keras
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_masked_models_agree_with_keras(name):
    keras = real_keras()
    theirs, ours = (embedded(library, MODELS[name]) for library in (keras, convnet))
    keras_pairs.randomize(theirs)
    ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    expected, got = theirs.predict(IDS, verbose=0), ours.predict(IDS, verbose=0)
    for a, b in zip(tree.flatten(expected), tree.flatten(got), strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-5, atol=2e-5)


@against_keras
def test_masked_steps_do_not_count_in_batch_statistics():
    keras = real_keras()
    theirs, ours = (
        embedded(library, lambda L, x: L.LSTM(3)(L.BatchNormalization(momentum=0.5)(x)))
        for library in (keras, convnet)
    )
    keras_pairs.randomize(theirs)
    ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    target = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    for model, library in ((theirs, keras), (ours, convnet)):
        model.compile(library.optimizers.SGD(0.1), loss="mse")
        model.train_on_batch(IDS, target)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


def test_masked_steps_do_not_matter():
    model = embedded(convnet, MODELS["lstm"])
    short = np.array([[3, 1, 2, 0]])
    table = model.layers[1].embeddings
    first = model.predict(short, verbose=0)
    changed = table.numpy()
    changed[0] = 100.0
    table.assign(changed)
    assert np.array_equal(model.predict(short, verbose=0), first)


def test_a_mask_reaches_through_layers_that_support_masking():
    inputs = layers.Input((4,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(inputs)
    for layer in (layers.Dense(3), layers.Dropout(0.5), layers.Activation("relu")):
        x = layer(x)
        assert x._keras_mask is not None


def test_a_layer_that_destroys_a_mask_warns():
    inputs = layers.Input((4,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(inputs)
    with pytest.warns(UserWarning, match="does not support masking"):
        assert layers.Flatten()(x)._keras_mask is None


def test_masking_finds_missing_steps():
    inputs = layers.Input((3, 2))
    x = layers.Masking(-1.0)(inputs)
    model = convnet.Model(inputs, [x, x._keras_mask])
    values, mask = model(np.array([[[1.0, -1.0], [-1.0, -1.0], [0.0, 0.0]]]))
    assert mask.tolist() == [[True, False, True]]
    assert values.tolist() == [[[1.0, -1.0], [0.0, 0.0], [0.0, 0.0]]]


def test_a_mask_is_taken_as_an_argument():
    layer = layers.LSTM(3)
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    outputs = layer(x, mask=mask)
    np.testing.assert_allclose(outputs[:1], layer(x[:1, :2]), rtol=1e-5)


def test_initial_states_are_taken_as_an_argument():
    layer = layers.LSTM(3, return_state=True)
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    whole = layer(x)
    _, h, c = layer(x[:, :4])
    rest = layer(x[:, 4:], initial_state=[h, c])
    for a, b in zip(whole, rest, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)
