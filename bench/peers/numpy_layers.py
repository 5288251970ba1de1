"""Layers with their gradients, vectorised as well as NumPy allows.

`forward` keeps what `backward` needs; `backward` takes the gradient of the result, leaves those of
the weights in `gradients` and returns that of the input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = np.ndarray


class Layer:
    """A layer, by default without weights."""

    weights: Sequence[Array] = ()
    gradients: Sequence[Array] = ()

    def forward(self, x: Array, training: bool) -> Array:
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        raise NotImplementedError


def _random(rng: np.random.Generator, *shape: int) -> Array:
    scale = np.sqrt(2 / np.prod(shape[:-1]))
    return (rng.normal(size=shape) * scale).astype(np.float32)


class Conv2D(Layer):
    """A convolution by im2col: `x [N,H,W,C]`, weights `[KH KW C, OC]`."""

    def __init__(
        self, rng: np.random.Generator, channels: int, filters: int, size: int, same: bool = False
    ) -> None:
        self.size, self.pad = size, size // 2 if same else 0
        self.weights = [_random(rng, size * size * channels, filters), np.zeros(filters, "f4")]

    def forward(self, x: Array, training: bool) -> Array:
        edge = (self.pad, self.pad)
        self.padded = np.pad(x, ((0, 0), edge, edge, (0, 0))) if self.pad else x
        windows = sliding_window_view(self.padded, (self.size, self.size), axis=(1, 2))
        n, height, width = windows.shape[:3]
        self.columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * height * width, -1)
        w, b = self.weights
        return (self.columns @ w + b).reshape(n, height, width, -1)

    def backward(self, dy: Array) -> Array:
        n, height, width, filters = dy.shape
        flat = dy.reshape(-1, filters)
        self.gradients = [self.columns.T @ flat, flat.sum(0)]
        columns = (flat @ self.weights[0].T).reshape(n, height, width, self.size, self.size, -1)
        dx = np.zeros_like(self.padded)
        for ky in range(self.size):
            for kx in range(self.size):
                dx[:, ky : ky + height, kx : kx + width] += columns[:, :, :, ky, kx]
        return dx[:, self.pad : -self.pad, self.pad : -self.pad] if self.pad else dx


class Dense(Layer):
    """A matrix product and a bias over all features of a sample."""

    def __init__(self, rng: np.random.Generator, inputs: int, units: int) -> None:
        self.weights = [_random(rng, inputs, units), np.zeros(units, "f4")]

    def forward(self, x: Array, training: bool) -> Array:
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.weights[0] + self.weights[1]

    def backward(self, dy: Array) -> Array:
        self.gradients = [self.x.T @ dy, dy.sum(0)]
        return (dy @ self.weights[0].T).reshape(self.shape)


class Pool(Layer):
    """Pooling over 2 x 2 pixels, by the maximum or the mean."""

    def __init__(self, maximum: bool = True) -> None:
        self.maximum = maximum

    def forward(self, x: Array, training: bool) -> Array:
        n, height, width, channels = x.shape
        self.x = x.reshape(n, height // 2, 2, width // 2, 2, channels)
        self.y = self.x.max((2, 4)) if self.maximum else self.x.mean((2, 4))
        return self.y

    def backward(self, dy: Array) -> Array:
        spread = dy[:, :, None, :, None]
        if self.maximum:
            dx = spread * (self.x == self.y[:, :, None, :, None])
        else:
            dx = np.broadcast_to(spread * np.float32(0.25), self.x.shape)
        n, height, _, width, _, channels = self.x.shape
        return dx.reshape(n, 2 * height, 2 * width, channels)


class Relu(Layer):
    """The positive part."""

    def forward(self, x: Array, training: bool) -> Array:
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (self.y > 0)


class Tanh(Layer):
    """The hyperbolic tangent."""

    def forward(self, x: Array, training: bool) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (1 - self.y * self.y)


class Dropout(Layer):
    """Zeros with the given rate, in training only."""

    def __init__(self, rng: np.random.Generator, rate: float) -> None:
        self.rng, self.rate = rng, rate

    def forward(self, x: Array, training: bool) -> Array:
        if not training:
            return x
        kept = self.rng.random(x.shape, np.float32) >= self.rate
        self.mask = kept * np.float32(1 / (1 - self.rate))
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class LSTM(Layer):
    """An LSTM over `x [N,T,F]` with gates in Keras's order: input, forget, candidate, output."""

    def __init__(self, rng: np.random.Generator, inputs: int, hidden: int, sequences: bool) -> None:
        self.hidden, self.sequences = hidden, sequences
        kernel, recurrent = _random(rng, inputs, 4 * hidden), _random(rng, hidden, 4 * hidden)
        self.weights = [kernel, recurrent, np.zeros(4 * hidden, "f4")]

    def forward(self, x: Array, training: bool) -> Array:
        n, length, _ = x.shape
        size = self.hidden
        kernel, recurrent, bias = self.weights
        self.x = x
        self.gates = (x.reshape(n * length, -1) @ kernel + bias).reshape(n, length, -1)
        self.h = np.zeros((n, length + 1, size), x.dtype)
        self.c = np.zeros((n, length + 1, size), x.dtype)
        for t in range(length):
            z = self.gates[:, t]
            z += self.h[:, t] @ recurrent
            candidate = np.tanh(z[:, 2 * size : 3 * size])
            z[:] = 1 / (1 + np.exp(-z))
            z[:, 2 * size : 3 * size] = candidate
            i, f, g, o = np.split(z, 4, axis=1)
            self.c[:, t + 1] = f * self.c[:, t] + i * g
            self.h[:, t + 1] = o * np.tanh(self.c[:, t + 1])
        return self.h[:, 1:] if self.sequences else self.h[:, -1]

    def backward(self, dy: Array) -> Array:
        n, length, features = self.x.shape
        kernel, recurrent, _ = self.weights
        dh = np.zeros((n, self.hidden), dy.dtype) if self.sequences else dy
        dc = np.zeros((n, self.hidden), dy.dtype)
        dz = np.empty_like(self.gates)
        for t in reversed(range(length)):
            if self.sequences:
                dh = dh + dy[:, t]
            i, f, g, o = np.split(self.gates[:, t], 4, axis=1)
            tanh = np.tanh(self.c[:, t + 1])
            dc = dc + dh * o * (1 - tanh * tanh)
            parts = [dc * g * i * (1 - i), dc * self.c[:, t] * f * (1 - f)]
            parts += [dc * i * (1 - g * g), dh * tanh * o * (1 - o)]
            np.concatenate(parts, axis=1, out=dz[:, t])
            dh, dc = dz[:, t] @ recurrent.T, dc * f
        flat = dz.reshape(n * length, -1)
        before = self.h[:, :-1].reshape(n * length, -1)
        x = self.x.reshape(n * length, -1)
        self.gradients = [x.T @ flat, before.T @ flat, flat.sum(0)]
        return (flat @ kernel.T).reshape(n, length, features)
