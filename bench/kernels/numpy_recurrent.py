"""LSTM, GRU and the simple RNN in NumPy: one loop over time, everything else whole products.

`forward(x, w, u, b)` returns the states [T + 1, N, H] and what `backward` keeps; `backward` returns
the gradient of x w + b [T, N, G H] and that of the state's product where it is another (or None).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _project(x: Array, w: Array, b: Array) -> Array:
    """x [N, T, F] -> [T, N, G H]."""
    return np.ascontiguousarray(x.swapaxes(0, 1)) @ w + b


def simple_rnn_forward(x: Array, w: Array, u: Array, b: Array) -> tuple[Array, Any]:
    xw = _project(x, w, b)
    h = np.zeros((len(xw) + 1, len(x), len(u)), np.float32)
    for t, step in enumerate(xw):
        np.tanh(step + h[t] @ u, out=h[t + 1])
    return h, None


def simple_rnn_backward(h: Array, kept: Any, u: Array, dy: Array) -> tuple[Array, None]:
    dz, dh, ut = np.empty_like(h[1:]), np.zeros_like(h[0]), u.T
    slope = 1 - h[1:] ** 2
    for t in reversed(range(len(dz))):
        np.multiply(dy[t] + dh, slope[t], out=dz[t])
        dh = dz[t] @ ut
    return dz, None


def lstm_forward(x: Array, w: Array, u: Array, b: Array) -> tuple[Array, Any]:
    xw, units = _project(x, w, b), len(u)
    h = np.zeros((len(xw) + 1, len(x), units), np.float32)
    c, gates = np.zeros_like(h), np.empty_like(xw)
    for t, step in enumerate(xw):
        z, g = step + h[t] @ u, gates[t]
        g[:] = _sigmoid(z)
        np.tanh(z[:, 2 * units : 3 * units], out=g[:, 2 * units : 3 * units])
        i, f, candidate, o = np.split(g, 4, axis=1)
        c[t + 1] = f * c[t] + i * candidate
        h[t + 1] = o * np.tanh(c[t + 1])
    return h, (c, gates)


def lstm_backward(h: Array, kept: Any, u: Array, dy: Array) -> tuple[Array, None]:
    c, gates = kept
    i, f, candidate, o = np.split(gates, 4, axis=2)
    tanh_c = np.tanh(c[1:])
    to_cell, to_output = o * (1 - tanh_c**2), tanh_c * o * (1 - o)
    slopes = np.stack([candidate * i * (1 - i), c[:-1] * f * (1 - f), i * (1 - candidate**2)], 1)
    dz = np.empty((*gates.shape[:2], 4, len(u)), np.float32)
    dh, dc, ut = np.zeros_like(h[0]), np.zeros_like(h[0]), u.T
    for t in reversed(range(len(dz))):
        dh += dy[t]
        dc += dh * to_cell[t]
        np.multiply(dc[:, None], slopes[t].swapaxes(0, 1), out=dz[t, :, :3])
        np.multiply(dh, to_output[t], out=dz[t, :, 3])
        dh = dz[t].reshape(len(dh), -1) @ ut
        dc *= f[t]
    return dz.reshape(gates.shape), None


def gru_forward(x: Array, w: Array, u: Array, b: Array) -> tuple[Array, Any]:
    xw, units = _project(x, w, b[0]), len(u)
    h = np.zeros((len(xw) + 1, len(x), units), np.float32)
    gates, inner = np.empty_like(xw), np.empty_like(h[1:])
    for t, step in enumerate(xw):
        hu, g = h[t] @ u + b[1], gates[t]
        g[:, : 2 * units] = _sigmoid(step[:, : 2 * units] + hu[:, : 2 * units])
        inner[t] = hu[:, 2 * units :]
        update, reset, candidate = np.split(g, 3, axis=1)
        np.tanh(step[:, 2 * units :] + reset * inner[t], out=candidate)
        h[t + 1] = candidate + update * (h[t] - candidate)
    return h, (gates, inner)


def gru_backward(h: Array, kept: Any, u: Array, dy: Array) -> tuple[Array, Array]:
    gates, inner = kept
    update, reset, candidate = np.split(gates, 3, axis=2)
    to_update = (h[:-1] - candidate) * update * (1 - update)
    to_candidate = (1 - update) * (1 - candidate**2)
    to_reset = inner * reset * (1 - reset)
    dz = np.empty((*gates.shape[:2], 3, len(u)), np.float32)
    dhu, dh, ut = np.empty_like(dz), np.zeros_like(h[0]), u.T
    for t in reversed(range(len(dz))):
        dh += dy[t]
        np.multiply(dh, to_update[t], out=dz[t, :, 0])
        np.multiply(dh, to_candidate[t], out=dz[t, :, 2])
        np.multiply(dz[t, :, 2], to_reset[t], out=dz[t, :, 1])
        dhu[t, :, :2] = dz[t, :, :2]
        np.multiply(dz[t, :, 2], reset[t], out=dhu[t, :, 2])
        dh = dh * update[t] + dhu[t].reshape(len(dh), -1) @ ut
    return dz.reshape(gates.shape), dhu.reshape(gates.shape)


CELLS = {
    "lstm": (4, lstm_forward, lstm_backward),
    "gru": (3, gru_forward, gru_backward),
    "simple_rnn": (1, simple_rnn_forward, simple_rnn_backward),
}


def weight_gradients(x: Array, h: Array, w: Array, dz: Array, dhu: Array | None) -> list[Array]:
    """Gradients of x, both kernels and the bias."""
    by_row = dz.reshape(-1, dz.shape[2])
    rows = np.ascontiguousarray(x.swapaxes(0, 1)).reshape(-1, x.shape[2])
    states = h[:-1].reshape(-1, h.shape[2])
    by_state = by_row if dhu is None else dhu.reshape(by_row.shape)
    db = by_row.sum(0) if dhu is None else np.stack([by_row.sum(0), by_state.sum(0)])
    return [(dz @ w.T).swapaxes(0, 1), rows.T @ by_row, states.T @ by_state, db]
