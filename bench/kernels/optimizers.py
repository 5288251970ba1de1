"""Optimizers: one step over a million parameters, in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from bench.kernels import aims
from bench.kernels.kernel import (
    RATE_AND_STEPS_DONE,
    Array,
    Builder,
    Kernel,
    normal,
    request,
    traffic,
)
from bench.kernels.limits import with_cached

PARAMETERS, CACHED_PARAMETERS = 1_000_000, 20_000
RATE = float(RATE_AND_STEPS_DONE[0, 0])
EPSILON = 1e-7


def sgd(p: Array, g: Array) -> None:
    p -= RATE * g


def momentum(p: Array, g: Array, m: Array) -> None:
    m *= 0.9
    m -= RATE * g
    p += m


def adam(p: Array, g: Array, m: Array, v: Array) -> None:
    m += 0.1 * (g - m)
    v += 0.001 * (g * g - v)
    p -= RATE * sqrt(1 - 0.999) / (1 - 0.9) * m / (np.sqrt(v) + EPSILON)


def rmsprop(p: Array, g: Array, v: Array) -> None:
    v += 0.1 * (g * g - v)
    p -= RATE * g / np.sqrt(v + EPSILON)


def adagrad(p: Array, g: Array, a: Array) -> None:
    a += g * g
    p -= RATE * g / np.sqrt(a + EPSILON)


def adadelta(p: Array, g: Array, a: Array, d: Array) -> None:
    a += 0.05 * (g * g - a)
    change = g * np.sqrt((d + EPSILON) / (a + EPSILON))
    d += 0.05 * (change * change - d)
    p -= RATE * change


# Op, its attributes, NumPy's step, and buffers of its own.
STEPS: dict[str, tuple[str, dict[str, float], Callable[..., None], int]] = {
    "sgd": ("sgd", {}, sgd, 0),
    "sgd_momentum": ("sgd", {"momentum": 0.9}, momentum, 1),
    "adam": ("adam", {"beta_1": 0.9, "beta_2": 0.999, "epsilon": EPSILON}, adam, 2),
    "rmsprop": ("rmsprop", {"rho": 0.9, "epsilon": EPSILON}, rmsprop, 1),
    "adagrad": ("adagrad", {"epsilon": EPSILON}, adagrad, 1),
    "adadelta": ("adadelta", {"rho": 0.95, "epsilon": EPSILON}, adadelta, 2),
}


def step(name: str, size: int) -> Iterator[Kernel]:
    op, attrs, function, slots = STEPS[name]
    buffers = [normal(size, seed=i) for i in range(2)]
    buffers += [normal(size, seed=2 + i) ** 2 for i in range(slots)]
    own = [array.copy() for array in buffers]

    def numpy() -> list[Array]:
        function(*own)
        return own

    def core(g: Any, *ids: int) -> list[int]:
        g.update(op, ids, attrs)
        return []

    yield Kernel(
        name,
        core,
        numpy,
        weights=buffers,
        moved=traffic(*buffers, buffers[0], *buffers[2:]),
        aim=aims.MEMORY,
        request=request(name, "update", attrs, w=buffers[0]),
    )


def kernels(batch: int | None = None) -> list[Builder]:
    """`batch` stands for a small number of parameters as well."""
    size = PARAMETERS if batch is None else 100 * batch
    return [with_cached(partial(step, name), size, CACHED_PARAMETERS) for name in STEPS]
