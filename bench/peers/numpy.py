"""NumPy alone, for the small nets: what one gets without any framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench import protocol
from bench.batches import find, load
from bench.peers.numpy_layers import LSTM, Array, Conv2D, Dense, Dropout, Layer, Pool, Relu, Tanh

Rng = np.random.Generator


def mnist_cnn_5x5(r: Rng) -> list[Layer]:
    first = [Conv2D(r, 1, 16, 5, same=True), Relu(), Pool()]
    second = [Conv2D(r, 16, 36, 5, same=True), Relu(), Pool(), Dropout(r, 0.25)]
    return [*first, *second, Dense(r, 1764, 128), Relu(), Dropout(r, 0.5), Dense(r, 128, 10)]


def mnist_cnn_3x3(r: Rng) -> list[Layer]:
    convolutions = [Conv2D(r, 1, 32, 3), Relu(), Conv2D(r, 32, 32, 3), Relu(), Pool()]
    dense = [Dense(r, 4608, 128), Relu(), Dropout(r, 0.5), Dense(r, 128, 10)]
    return [*convolutions, Dropout(r, 0.25), *dense]


def lenet5(r: Rng) -> list[Layer]:
    first = [Conv2D(r, 1, 6, 5), Tanh(), Pool(maximum=False)]
    second = [Conv2D(r, 6, 16, 5), Tanh(), Pool(maximum=False)]
    third = [Conv2D(r, 16, 120, 5), Tanh()]
    return [*first, *second, *third, Dense(r, 120, 84), Tanh(), Dense(r, 84, 10)]


def cifar_cnn(r: Rng) -> list[Layer]:
    convolutions = [[Conv2D(r, n, 32, 3, same=True), Relu(), Pool()] for n in (3, 32, 32)]
    return [*(layer for group in convolutions for layer in group), Dense(r, 512, 10)]


def stock_lstm(r: Rng) -> list[Layer]:
    return [LSTM(r, 1, 50, sequences=True), LSTM(r, 50, 50, sequences=False), Dense(r, 50, 1)]


NETS: dict[str, Callable[[Rng], list[Layer]]] = {
    "mnist_cnn_5x5": mnist_cnn_5x5,
    "mnist_cnn_3x3": mnist_cnn_3x3,
    "lenet5": lenet5,
    "cifar_cnn": cifar_cnn,
    "softmax_3072": lambda r: [Dense(r, 3072, 10)],
    "stock_lstm_b1": stock_lstm,
    "stock_lstm": stock_lstm,
}


class Optimizer:
    """Adam, SGD or Adadelta with Keras's settings, in place."""

    def __init__(self, name: str, weights: list[Array]) -> None:
        self._update = getattr(self, name)
        self._state = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
        self._step = 0

    def apply(self, weights: list[Array], gradients: list[Array]) -> None:
        """One step of all weights."""
        self._step += 1
        for w, g, state in zip(weights, gradients, self._state, strict=True):
            self._update(w, g, *state)

    def sgd(self, w: Array, g: Array, *_: Array) -> None:
        w -= np.float32(0.01) * g

    def adam(self, w: Array, g: Array, m: Array, v: Array) -> None:
        m += (g - m) * np.float32(0.1)
        v += (g * g - v) * np.float32(0.001)
        rate = 1e-3 * np.sqrt(1 - 0.999**self._step) / (1 - 0.9**self._step)
        w -= np.float32(rate) * m / (np.sqrt(v) + np.float32(1e-7))

    def adadelta(self, w: Array, g: Array, squares: Array, updates: Array) -> None:
        epsilon, keep = np.float32(1e-7), np.float32(0.05)
        squares += (g * g - squares) * keep
        delta = np.sqrt((updates + epsilon) / (squares + epsilon)) * g
        updates += (delta * delta - updates) * keep
        w -= np.float32(1e-3) * delta


def softmax(logits: Array) -> Array:
    """Probabilities of classes."""
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def forward(net: list[Layer], x: Array, loss: str, training: bool) -> Array:
    """Predictions, as probabilities where the net is a classifier."""
    for layer in net:
        x = layer.forward(x, training)
    return x if loss == "mse" else softmax(x)


def training(net: list[Layer], x: Array, y: Array, loss: str, optimizer: str) -> Any:
    """A training step; the gradient of either loss is the difference, but for a factor."""
    weights = [w for layer in net for w in layer.weights]
    updates = Optimizer(optimizer, weights)
    scale = np.float32((2 if loss == "mse" else 1) / len(x))

    def step() -> None:
        gradient = (forward(net, x, loss, training=True) - y) * scale
        for layer in reversed(net):
            gradient = layer.backward(gradient)
        updates.apply(weights, [g for layer in net for g in layer.gradients])

    return step


def prepare(request: dict[str, Any]) -> protocol.Measurable:
    """The net of a request."""
    name = request["prepare"]
    if name not in NETS:
        raise protocol.Unsupported("only small nets")
    batch = find(name, request["sizes"])
    x, y = batch.make(request["batch"])
    net = NETS[name](np.random.default_rng(0))
    if request["mode"] == "inference":
        return protocol.Loop(lambda: forward(net, x, batch.loss, training=False))
    return protocol.Loop(training(net, x, y, batch.loss, batch.optimizer))


if __name__ == "__main__":
    protocol.serve(prepare, protocol.versions("numpy"), load=load)
