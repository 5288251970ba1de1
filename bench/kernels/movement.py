"""Data movement, and reductions and running sums along axes of a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from tests.cases.values import MOVED, ValueCase

from bench.kernels.kernel import Array, Builder, Kernel, normal, sized, traffic

Numpy = Callable[[Array], Array]

# Op, attributes and NumPy's version for x [N, H, W, C]. Copies, where NumPy would return a view.
OPS: dict[str, tuple[str, dict[str, Any], Numpy]] = {
    "transpose": ("transpose", {"perm": [2, 0, 1]}, lambda x: x.transpose(0, 3, 1, 2).copy()),
    "reverse": ("reverse", {"axis": 1}, lambda x: x[:, :, ::-1].copy()),
    "tile": ("tile", {"repeats": [1, 2, 1]}, lambda x: np.tile(x, (1, 1, 2, 1))),
    "pad": (
        "pad",
        {"before": [1, 1, 0], "after": [1, 1, 0]},
        lambda x: np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))),
    ),
    "cumsum": ("cumsum", {"axis": 0}, lambda x: x.cumsum(axis=1)),
    "argmax": ("argmax", {"axis": 2}, lambda x: x.argmax(axis=-1)),
    "sum_of_pixels": ("reduce", {"fn": "sum", "axes": [0, 1]}, lambda x: x.sum(axis=(1, 2))),
    "mean_of_channels": ("reduce", {"fn": "mean", "axes": [2]}, lambda x: x.mean(axis=-1)),
    "max_of_pixels": ("reduce", {"fn": "max", "axes": [0, 1]}, lambda x: x.max(axis=(1, 2))),
}


def of_one(name: str, case: ValueCase) -> Iterator[Kernel]:
    op, attrs, numpy = OPS[name]
    x = normal(case.batch, *case.shape)
    yield Kernel(
        f"{case.name} {name}",
        lambda g, x: g.add(op, [x], attrs),
        lambda: numpy(x),
        [x],
        moved=traffic(x, numpy(x)),
    )


def of_several(case: ValueCase) -> Iterator[Kernel]:
    a, b = normal(case.batch, *case.shape), normal(case.batch, *case.shape, seed=1)
    corner = {"begin": [1, 1, 0], "size": [n - 2 for n in case.shape[:2]] + [case.shape[2]]}
    yield Kernel(
        f"{case.name} concat",
        lambda g, a, b: g.add("concat", [a, b], {"axis": 2}),
        lambda: np.concatenate([a, b], axis=-1),
        [a, b],
        moved=traffic(a, b, a, b),
    )
    yield Kernel(
        f"{case.name} where",
        lambda g, a, b: g.add("where", [a, a, b]),
        lambda: np.where(a != 0, a, b),
        [a, b],
        moved=traffic(a, b, a),
    )
    yield Kernel(
        f"{case.name} crop",
        lambda g, a: g.add("slice", [a], corner),
        lambda: a[:, 1:-1, 1:-1].copy(),
        [a],
        moved=2 * traffic(a[:, 1:-1, 1:-1]),
    )
    yield Kernel(
        f"{case.name} sum_samples",
        lambda g, a: g.add("sum_samples", [a], {"keep": 1}),
        lambda: a.reshape(-1, a.shape[-1]).sum(axis=0),
        [a],
        before=lambda g, a: g.add("live_only", [a]),
        moved=traffic(a),
    )


def kernels(batch: int | None = None) -> list[Builder]:
    return [
        builder
        for case in sized(MOVED, batch)
        for builder in (*(partial(of_one, name, case) for name in OPS), partial(of_several, case))
    ]
