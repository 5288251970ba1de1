"""Recurrent layers beyond what Keras is asked about: cells of one's own, dropout, states."""

import numpy as np
import pytest

import convnet
from convnet import layers, ops
from convnet.layers import Layer

X = np.random.default_rng(0).normal(size=(5, 6, 3)).astype("float32")


class Adder(Layer):
    """A cell whose state is the sum of what it saw, as in a user's program."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")

    def call(self, inputs, states):
        total = states[0] + ops.matmul(inputs, self.kernel)
        return total, [total]


def test_a_cell_of_ones_own_is_run_step_by_step():
    layer = layers.RNN(Adder(2), return_sequences=True, return_state=True)
    outputs, state = layer(X)
    expected = np.cumsum(X @ layer.cell.kernel.numpy(), axis=1)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state, expected[:, -1], rtol=1e-4, atol=1e-5)


def test_a_cell_of_ones_own_goes_backwards():
    layer = layers.RNN(Adder(2), go_backwards=True, return_sequences=True)
    outputs = layer(X)
    np.testing.assert_allclose(
        outputs, np.cumsum(X[:, ::-1] @ layer.cell.kernel.numpy(), axis=1), rtol=1e-4, atol=1e-5
    )


def test_stacked_cells_are_one_cell():
    layer = layers.RNN([layers.LSTMCell(4), Adder(2)], return_state=True)
    output, first, second = layer(X)
    assert output.shape == (5, 2) and [s.shape for s in first] == [(5, 4), (5, 4)]
    assert np.array_equal(output, second)


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5), (0.3, 0.3)])
def test_dropout_changes_outputs_in_training_only(kind, rates):
    layer = getattr(layers, kind)(4, dropout=rates[0], recurrent_dropout=rates[1], seed=1)
    quiet = layer(X)
    assert np.array_equal(layer(X), quiet)
    assert not np.allclose(layer(X, training=True), quiet)


def test_dropped_inputs_are_the_same_at_all_steps():
    layer = layers.RNN(layers.SimpleRNNCell(40, activation="linear", dropout=0.5, seed=3))
    ones = np.ones((1, 7, 40), "float32")
    layer(ones)
    layer.set_weights([np.eye(40), np.eye(40), np.zeros(40)])
    assert set(np.unique(layer(ones, training=True))) == {0.0, 14.0}


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
def test_gradients_flow_through_dropout(kind):
    model = convnet.Sequential(
        [convnet.Input((6, 3)), getattr(layers, kind)(4, dropout=0.2, recurrent_dropout=0.2)]
    )
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.train_on_batch(X, np.ones((5, 4), "float32"))
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_stateful_layer_is_refused():
    with pytest.raises(ValueError, match="`stateful=True` is not supported"):
        layers.LSTM(3, stateful=True)(X)


def test_the_last_states_are_those_of_the_last_step():
    outputs, h, c = layers.LSTM(3, return_sequences=True, return_state=True)(X)
    assert np.array_equal(outputs[:, -1], h) and c.shape == (5, 3)


def test_directions_have_weights_of_their_own():
    layer = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode=None)
    forward, backward = layer(X)
    assert not np.allclose(forward, backward)
    layer.backward_layer.set_weights(layer.forward_layer.get_weights())
    forward, backward = layer(X)
    mirrored, _ = layer(X[:, ::-1])
    np.testing.assert_allclose(backward, mirrored[:, ::-1], rtol=1e-5, atol=1e-6)


def test_initial_states_of_both_directions():
    layer = layers.Bidirectional(layers.LSTM(3))
    states = [np.full((5, 3), 0.5, "float32")] * 4
    assert not np.allclose(layer(X, initial_state=states), layer(X))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RNN(layers.Dense(3)), "should have a `state_size` attribute"),
        (
            lambda: layers.Bidirectional(layers.LSTM(3), backward_layer=layers.LSTM(3)),
            "should have different `go_backwards` value",
        ),
        (
            lambda: layers.Bidirectional(
                layers.LSTM(3),
                backward_layer=layers.LSTM(3, go_backwards=True, return_sequences=True),
            ),
            'the same value for attribute "return_sequences"',
        ),
        (lambda: layers.StackedRNNCells([layers.Dense(3)]), "All cells must have"),
    ],
)
def test_cells_and_directions_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
