"""LSTM, GRU and the simple RNN as Keras defines them, and backpropagation through time, in float64.

Batches come first; x [batch, .., steps, features] may have more axes in between, each a sequence of
its own. A cell is a pair of functions: a step, which also returns what its gradient needs, and the
gradient of a step, which adds to the weights' gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray


def _sigmoid(x: Array) -> Array:
    return np.where(
        x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))
    )


SELU_SCALE, SELU_ALPHA = 1.05070098735548, 1.67326324235438

# Each activation and its derivative.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "linear": (lambda x: x, np.ones_like),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x: ((x > 0) & (x < 6)) * 1.0),
    "leaky_relu": (lambda x: np.where(x < 0, 0.2 * x, x), lambda x: np.where(x < 0, 0.2, 1)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.where(x > 0, 1, np.exp(x))),
    "selu": (
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
        lambda x: SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * np.exp(x)),
    ),
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: (np.abs(x) < 3) / 6.0),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), lambda x: (np.abs(x) < 1) * 1.0),
    "softplus": (lambda x: np.logaddexp(0, x), _sigmoid),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "exponential": (np.exp, np.exp),
}


@dataclass
class Layer:
    """Weights and attributes of a layer, and the gradients of the weights."""

    kernel: Array
    recurrent: Array
    bias: Array | None
    dropout: Array | None = None
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    go_backwards: bool = False
    return_sequences: bool = False
    zero_output_for_mask: bool = False
    reset_after: bool = True
    gradients: dict[str, Array] = field(default_factory=dict)

    @property
    def units(self) -> int:
        return self.recurrent.shape[0]

    def inner(self, x: Array) -> Array:
        return ACTIVATIONS[self.activation][0](x)

    def inner_slope(self, x: Array) -> Array:
        return ACTIVATIONS[self.activation][1](x)

    def gate(self, x: Array) -> Array:
        return ACTIVATIONS[self.recurrent_activation][0](x)

    def gate_slope(self, x: Array) -> Array:
        return ACTIVATIONS[self.recurrent_activation][1](x)

    def biases(self) -> tuple[Array | float, Array | float]:
        """The bias of the input's product and of the state's."""
        if self.bias is None:
            return 0.0, 0.0
        return (self.bias[0], self.bias[1]) if self.bias.ndim == 2 else (self.bias, 0.0)

    def drop(self, h: Array) -> Array:
        return h if self.dropout is None else h * self.dropout

    def add(self, name: str, gradient: Array, columns: slice = slice(None)) -> None:
        self.gradients[name][..., columns] += gradient


def simple_step(layer: Layer, x: Array, states: list[Array]) -> tuple[list[Array], Any]:
    dropped = layer.drop(states[0])
    z = x @ layer.kernel + layer.biases()[0] + dropped @ layer.recurrent
    return [layer.inner(z)], (x, dropped, z)


def simple_step_back(layer: Layer, kept: Any, dstates: list[Array]) -> tuple[Array, list[Array]]:
    x, dropped, z = kept
    dz = dstates[0] * layer.inner_slope(z)
    layer.add("kernel", x.T @ dz)
    layer.add("recurrent", dropped.T @ dz)
    layer.add("bias", dz.sum(0))
    return dz @ layer.kernel.T, [layer.drop(dz @ layer.recurrent.T)]


def lstm_step(layer: Layer, x: Array, states: list[Array]) -> tuple[list[Array], Any]:
    h, c = states
    dropped = layer.drop(h)
    z = x @ layer.kernel + layer.biases()[0] + dropped @ layer.recurrent
    zi, zf, zg, zo = np.split(z, 4, axis=-1)
    i, f, g, o = layer.gate(zi), layer.gate(zf), layer.inner(zg), layer.gate(zo)
    after = f * c + i * g
    return [o * layer.inner(after), after], (x, dropped, c, z, after)


def lstm_step_back(layer: Layer, kept: Any, dstates: list[Array]) -> tuple[Array, list[Array]]:
    x, dropped, c, z, after = kept
    zi, zf, zg, zo = np.split(z, 4, axis=-1)
    i, f, g, o = layer.gate(zi), layer.gate(zf), layer.inner(zg), layer.gate(zo)
    dh = dstates[0]
    dc = dstates[1] + dh * o * layer.inner_slope(after)
    slopes = [
        layer.gate_slope(zi),
        layer.gate_slope(zf),
        layer.inner_slope(zg),
        layer.gate_slope(zo),
    ]
    parts = [dc * g, dc * c, dc * i, dh * layer.inner(after)]
    dz = np.concatenate([p * s for p, s in zip(parts, slopes, strict=True)], axis=-1)
    layer.add("kernel", x.T @ dz)
    layer.add("recurrent", dropped.T @ dz)
    layer.add("bias", dz.sum(0))
    return dz @ layer.kernel.T, [layer.drop(dz @ layer.recurrent.T), dc * f]


def gru_step(layer: Layer, x: Array, states: list[Array]) -> tuple[list[Array], Any]:
    h, n = states[0], layer.units
    dropped = layer.drop(h)
    input_bias, state_bias = layer.biases()
    from_x = x @ layer.kernel + input_bias
    from_h = dropped @ layer.recurrent + state_bias
    zu, zr = from_x[:, :n] + from_h[:, :n], from_x[:, n : 2 * n] + from_h[:, n : 2 * n]
    update, reset = layer.gate(zu), layer.gate(zr)
    if layer.reset_after:
        zc = from_x[:, 2 * n :] + reset * from_h[:, 2 * n :]
    else:
        zc = from_x[:, 2 * n :] + (reset * dropped) @ layer.recurrent[:, 2 * n :]
    return [update * h + (1 - update) * layer.inner(zc)], (x, h, dropped, from_h, zu, zr, zc)


def gru_step_back(layer: Layer, kept: Any, dstates: list[Array]) -> tuple[Array, list[Array]]:
    x, h, dropped, from_h, zu, zr, zc = kept
    dh, n = dstates[0], layer.units
    update, reset = layer.gate(zu), layer.gate(zr)
    dzu = dh * (h - layer.inner(zc)) * layer.gate_slope(zu)
    dzc = dh * (1 - update) * layer.inner_slope(zc)
    u_gates, u_candidate = layer.recurrent[:, : 2 * n], layer.recurrent[:, 2 * n :]
    if layer.reset_after:
        dzr = dzc * from_h[:, 2 * n :] * layer.gate_slope(zr)
        ddropped = (dzc * reset) @ u_candidate.T
        layer.add("recurrent", dropped.T @ (dzc * reset), slice(2 * n, None))
    else:
        dreset = dzc @ u_candidate.T
        dzr = dreset * dropped * layer.gate_slope(zr)
        ddropped = dreset * reset
        layer.add("recurrent", (reset * dropped).T @ dzc, slice(2 * n, None))
    dgates = np.concatenate([dzu, dzr], axis=-1)
    dz = np.concatenate([dgates, dzc], axis=-1)
    layer.add("kernel", x.T @ dz)
    layer.add("recurrent", dropped.T @ dgates, slice(0, 2 * n))
    if layer.reset_after:
        both = np.concatenate([dgates, dzc * reset], axis=-1)
        layer.add("bias", np.stack([dz.sum(0), both.sum(0)]))
    else:
        layer.add("bias", dz.sum(0))
    ddropped = ddropped + dgates @ u_gates.T
    return dz @ layer.kernel.T, [dh * update + layer.drop(ddropped)]


CELLS = {
    "simple_rnn": (simple_step, simple_step_back, 1),
    "lstm": (lstm_step, lstm_step_back, 2),
    "gru": (gru_step, gru_step_back, 1),
}


@dataclass
class Run:
    """A layer applied to a batch of sequences [n, steps, features]."""

    layer: Layer
    kept: list[Any]
    takes: list[Array]
    outputs: Array
    states: list[Array]


def _run(op: str, layer: Layer, x: Array, states: list[Array | None], mask: Array | None) -> Run:
    n, steps, _ = x.shape
    step = CELLS[op][0]
    now = [np.zeros((n, layer.units)) if s is None else s for s in states]
    output, outputs, kept, takes = np.zeros((n, layer.units)), [], [], []
    for t in range(steps)[:: -1 if layer.go_backwards else 1]:
        after, keep = step(layer, x[:, t], now)
        take = np.ones((n, 1), bool) if mask is None else mask[:, t, None] != 0
        output = np.where(take, after[0], 0 if layer.zero_output_for_mask else output)
        now = [np.where(take, a, b) for a, b in zip(after, now, strict=True)]
        outputs.append(output)
        kept.append(keep)
        takes.append(take)
    return Run(layer, kept, takes, np.stack(outputs, axis=1), now)


def _run_back(
    op: str, run: Run, x: Array, dy: Array, dstates: list[Array]
) -> tuple[Array, list[Array]]:
    layer, back = run.layer, CELLS[op][1]
    steps = len(run.kept)
    order = list(range(steps)[:: -1 if layer.go_backwards else 1])
    dx, waiting = np.zeros_like(x), np.zeros_like(dstates[0])
    for s in reversed(range(steps)):
        take = run.takes[s]
        waiting = waiting + (dy[:, s] if layer.return_sequences else dy if s == steps - 1 else 0)
        through = [np.where(take, d, 0) for d in dstates]
        through[0] = through[0] + np.where(take, waiting, 0)
        around = [np.where(take, 0, d) for d in dstates]
        waiting = np.where(take | layer.zero_output_for_mask, 0, waiting)
        dx[:, order[s]], before = back(layer, run.kept[s], through)
        dstates = [a + b for a, b in zip(around, before, strict=True)]
    return dx, dstates


def _flat(array: Array | None, axes: int) -> Array | None:
    """All leading axes but the last `axes` as one."""
    return None if array is None else array.reshape(-1, *array.shape[array.ndim - axes :])


def _prepare(
    op: str, arrays: tuple[Array | None, ...], attrs: dict[str, Any]
) -> tuple[Layer, Array, Array, list[Array | None], Array | None]:
    x, kernel, recurrent, bias, *rest = arrays
    count = CELLS[op][2]
    states, (mask, dropout, recurrent_dropout) = rest[:count], rest[count:]
    dropped = x if dropout is None else x * dropout[..., None, :]
    layer = Layer(kernel, recurrent, bias, _flat(recurrent_dropout, 1), **attrs)
    return layer, x, _flat(dropped, 2), [_flat(s, 1) for s in states], _flat(mask, 1)


def forward(op: str, *arrays: Array | None, **attrs: Any) -> list[Array]:
    """[y, last state ..] of op `op`.

    Operands: x, kernel, recurrent, bias, states, mask, dropout, recurrent dropout.
    """
    layer, x, flat, states, mask = _prepare(op, arrays, attrs)
    run = _run(op, layer, flat, states, mask)
    y = run.outputs if layer.return_sequences else run.outputs[:, -1]
    return [a.reshape(*x.shape[:-2], *a.shape[1:]) for a in (y, *run.states)]


def backward(op: str, *arrays: Array | None, **attrs: Any) -> list[Array | None]:
    """Gradients of the operands; the last arrays are the gradients of y and of the last states."""
    count = CELLS[op][2]
    seeds = [
        _flat(a, 2 if i == 0 and attrs.get("return_sequences") else 1)
        for i, a in enumerate(arrays[-1 - count :])
    ]
    arrays = arrays[: -1 - count]
    layer, x, flat, states, mask = _prepare(op, arrays, attrs)
    width = layer.kernel.shape[1]
    biases = (2, width) if op == "gru" and layer.reset_after else (width,)
    shapes = {"kernel": layer.kernel.shape, "recurrent": layer.recurrent.shape, "bias": biases}
    layer.gradients = {name: np.zeros(shape) for name, shape in shapes.items()}
    dx, dstates = _run_back(op, _run(op, layer, flat, states, mask), flat, seeds[0], seeds[1:])
    dx = dx.reshape(x.shape)
    dropout = arrays[5 + count]
    if dropout is not None:
        dx = dx * dropout[..., None, :]
    weights = [
        layer.gradients["kernel"],
        layer.gradients["recurrent"],
        None if layer.bias is None else layer.gradients["bias"],
    ]
    initial = [
        None if s is None else d.reshape(s.shape)
        for s, d in zip(arrays[4 : 4 + count], dstates, strict=True)
    ]
    return [dx, *weights, *initial, None, None, None]
