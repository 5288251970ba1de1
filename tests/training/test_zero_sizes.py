"""Axes of size 0 work where there is something to compute, and are refused where there is not."""

import re

import numpy as np
import pytest

import convnet
from convnet import layers, ops

POSSIBLE = {
    "dense": (lambda: layers.Dense(3), (0,)),
    "dense over positions": (lambda: layers.Dense(3), (5, 0)),
    "activation": (layers.ReLU, (0,)),
    "softmax": (layers.Softmax, (3, 0)),
    "dropout": (lambda: layers.Dropout(0.5), (0,)),
    "flatten": (layers.Flatten, (0, 5)),
    "permute": (lambda: layers.Permute((2, 1)), (0, 4)),
    "convolution": (lambda: layers.Conv2D(2, 3), (5, 5, 0)),
    "pooling": (lambda: layers.MaxPooling2D(2), (4, 4, 0)),
    "padding": (lambda: layers.ZeroPadding2D(1), (0, 3, 1)),
    "time distributed": (lambda: layers.TimeDistributed(layers.Dense(2)), (3, 0)),
}

IMPOSSIBLE = {
    "max pooling": (lambda: layers.MaxPooling2D(5), (3, 3, 1), "a window of (5, 5)"),
    "average pooling": (lambda: layers.AveragePooling1D(5), (3, 1), "an image of 1 x 3"),
    "padded pooling": (lambda: layers.MaxPooling2D(padding="same"), (0, 3, 1), "of 0 x 3"),
    "global pooling": (layers.GlobalMaxPooling1D, (0, 3), "no largest or smallest"),
    "convolution": (lambda: layers.Conv2D(2, 5), (3, 3, 1), "an input of 3 x 3"),
    "padded convolution": (lambda: layers.Conv2D(2, 3, padding="same"), (0, 5, 1), "of 0 x 5"),
    "causal convolution": (lambda: layers.Conv1D(2, 3, padding="causal"), (0, 2), "of 1 x 0"),
    "depthwise": (lambda: layers.DepthwiseConv2D(3), (5, 5, 0), "fit 0 channels"),
    "lstm without steps": (lambda: layers.LSTM(2), (0, 3), "got input (0, 3)"),
    "lstm without features": (lambda: layers.LSTM(2), (4, 0), "got input (4, 0)"),
    "gru": (lambda: layers.GRU(2), (0, 3), "got input (0, 3)"),
    "simple rnn": (lambda: layers.SimpleRNN(2), (0, 3), "got input (0, 3)"),
    "cropping": (lambda: layers.Cropping2D(2), (4, 4, 1), "cropping=[(0, 0), (2, 2), (2, 2)"),
    "time distributed": (lambda: layers.TimeDistributed(layers.Dense(2)), (0, 3), "cannot unfold"),
}


def model_of(make, shape):
    model = convnet.Sequential([layers.Input(shape), make(), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("name", POSSIBLE)
def test_layers_that_have_something_to_compute(name):
    make, shape = POSSIBLE[name]
    model = model_of(make, shape)
    x, y = np.zeros((20, *shape)), np.ones((20, 2))
    model.fit(x, y, verbose=0)
    assert np.isfinite(model.evaluate(x, y, verbose=0))
    assert np.isfinite(model.predict(x, verbose=0)).all()


@pytest.mark.parametrize("name", ["dense", "dense over positions", "convolution"])
def test_a_sum_of_nothing_is_the_bias(name):
    make, shape = POSSIBLE[name]
    model = convnet.Sequential([layers.Input(shape), make()])
    kernel, bias = model.get_weights()
    model.set_weights([kernel, np.arange(1.0, 1 + bias.size)])
    y = model.predict(np.zeros((20, *shape)), verbose=0)
    np.testing.assert_array_equal(y, np.broadcast_to(np.arange(1.0, 1 + bias.size), y.shape))


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_layers_that_have_not(name):
    make, shape, message = IMPOSSIBLE[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        model_of(make, shape)
    with pytest.raises(ValueError, match=re.escape(message)):
        make()(np.zeros((3, *shape), np.float32))


def test_no_samples():
    with pytest.raises(ValueError, match="needs at least one sample"):
        layers.Dense(3)(np.zeros((0, 4), np.float32))


def test_a_loss_of_nothing():
    model = convnet.Sequential([layers.Input((0, 5)), layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="there is no mean of"):
        model.fit(np.zeros((4, 0, 5)), np.zeros((4, 0, 3)), verbose=0)


@pytest.mark.parametrize(
    ("op", "arguments", "message"),
    [
        (ops.concatenate, ([],), "at least one tensor"),
        (ops.stack, ([],), "at least one tensor"),
        (ops.split, (np.zeros(4), 0), "into 0 equal parts"),
        (ops.max, (np.zeros((0, 3)),), "no elements"),
        (ops.argmax, (np.zeros((2, 0)), 1), "no elements"),
        (ops.max_pool, (np.zeros((1, 0, 0, 1), "f"), 2), "0 x 0"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_ops_that_have_nothing_to_compute(op, arguments, message):
    with pytest.raises(ValueError, match=message):
        op(*arguments)


def test_ops_on_nothing():
    assert float(ops.sum(np.zeros((0, 3)))) == 0.0
    np.testing.assert_array_equal(ops.matmul(np.zeros((2, 0)), np.zeros((0, 3))), np.zeros((2, 3)))
    assert [part.shape for part in ops.split(np.zeros((0,)), 2)] == [(0,), (0,)]
    assert ops.add(np.zeros((0,)), np.zeros((1,))).shape == (0,)
