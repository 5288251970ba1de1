"""LSTM, GRU and the simple RNN over whole sequences, forward and all gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from tests.cases.rnn import BENCH, LSTM, RnnShape

from bench.kernels import aims
from bench.kernels.kernel import SHARD, Array, Builder, Kernel, normal, request, sized
from bench.kernels.limits import with_cached
from bench.kernels.numpy_recurrent import CELLS, weight_gradients

FEW, FEW_TRAINED = 10, 4  # samples up to which units are in lanes
STATES = {"lstm": 2, "gru": 1, "simple_rnn": 1}


def recurrent(op: str, shape: RnnShape) -> Iterator[Kernel]:
    """Forward, and the gradients of input, kernels and bias given what the forward pass kept."""
    gates, numpy_forward, numpy_backward = CELLS[op]
    columns, sequences = gates * shape.units, shape.return_sequences
    x = normal(shape.batch, shape.steps, shape.features)
    w = normal(shape.features, columns, seed=1) / np.float32(np.sqrt(shape.features))
    u = normal(shape.units, columns, seed=2) / np.float32(np.sqrt(shape.units))
    b = normal(*((2,) if op == "gru" else ()), columns, seed=3)
    dy = normal(shape.batch, *((shape.steps,) if sequences else ()), shape.units, seed=4)
    flops = 2.0 * shape.batch * shape.steps * columns * (shape.features + shape.units)
    h, kept = numpy_forward(x, w, u, b)
    dy_by_step = np.zeros_like(h[1:])
    dy_by_step[:] = dy.swapaxes(0, 1) if sequences else 0
    dy_by_step[-1] = dy[:, -1] if sequences else dy

    def forward() -> Array:
        h, _ = numpy_forward(x, w, u, b)
        return h[1:].swapaxes(0, 1) if sequences else h[-1]

    def backward() -> list[Array]:
        return weight_gradients(x, h, w, *numpy_backward(h, kept, u, dy_by_step))

    def layer(g, x, *weights, gradient=True):
        none = [None] * (STATES[op] + 3)
        attrs = {"return_sequences": sequences, "gradient": gradient}
        return g.add(op, [x, *weights, *none], attrs)[:1]

    def gradients(g, x, dy, *weights_and_y):
        *weights, y = weights_and_y
        found = g.backward([], {y: dy}, [x])
        return [found[id] for id in (x, *weights)]

    asked = request(op, "forward", {"return_sequences": sequences}, x=x, u=u, y=dy)
    few = shape.batch <= FEW
    aim = aims.recurrent(op, shape.batch)
    yield Kernel(
        f"{shape.name} {op} forward",
        partial(layer, gradient=not few),
        forward,
        [x],
        [w, u, b],
        flops=flops,
        aim=aim,
        request=asked,
        lanes=1 if few else SHARD,
        trains=not few,
    )
    yield Kernel(
        f"{shape.name} {op} backward",
        gradients,
        backward,
        [x, dy],
        [w, u, b],
        before=lambda g, x, dy, *weights: (x, dy, *weights, *layer(g, x, *weights)),
        flops=2 * flops,
        aim=aim,
        request=asked | {"direction": "backward"},
        lanes=1 if shape.batch <= FEW_TRAINED else SHARD,
        copies=1,
    )


def in_cache(shape: RnnShape) -> RnnShape:
    """A shape of few steps and up to 64 features and units, whose weights a cache holds."""
    features, units, steps = (
        min(n, most) for n, most in ((shape.features, 64), (shape.units, 64), (shape.steps, 10))
    )
    return replace(shape, batch=SHARD, features=features, units=units, steps=steps)


def kernels(batch: int | None = None) -> list[Builder]:
    shapes = [(op, shape) for op in CELLS for shape in sized(BENCH, batch)]
    shapes += [("lstm", shape) for shape in sized(LSTM, batch)]
    return [with_cached(partial(recurrent, op), shape, in_cache(shape)) for op, shape in shapes]
