"""Rows of a table by number, and the gradient of the table.

NumPy's gradient sorts the numbers and sums runs of equal ones: faster than np.add.at.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from tests.cases.embedding import BENCH, EmbeddingCase

from bench.kernels.kernel import Array, Builder, Kernel, normal, request, sized, traffic


def table_gradient(ids: Array, dy: Array, table: Array) -> Array:
    numbers, rows = ids.ravel(), dy.reshape(-1, dy.shape[-1])
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    gradient = np.zeros_like(table)
    gradient[ordered[starts]] = np.add.reduceat(rows[order], starts)
    return gradient


def embedding(case: EmbeddingCase) -> Iterator[Kernel]:
    ids = np.random.default_rng(0).integers(0, case.rows, (case.batch, case.positions))
    table = normal(case.rows, case.columns)
    dy = normal(*ids.shape, case.columns, seed=1)
    yield Kernel(
        f"{case.name} forward",
        lambda g, ids, table: g.add("embedding", [ids, table]),
        lambda: table[ids],
        [ids],
        [table],
        moved=traffic(ids, dy, dy),
        request=request("embedding", "forward", {}, ids=ids, w=table, y=dy),
    )
    yield Kernel(
        f"{case.name} backward",
        lambda g, ids, dy: g.add("embedding_backward", [ids, dy], {"rows": case.rows}),
        lambda: table_gradient(ids, dy, table),
        [ids, dy],
        moved=traffic(ids, dy, table),
        request=request("embedding", "backward", {}, ids=ids, w=table, y=dy),
    )


def kernels(batch: int | None = None) -> list[Builder]:
    return [partial(embedding, case) for case in sized(BENCH, batch)]
