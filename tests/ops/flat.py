"""Runs update nodes on flat buffers, as the trainer does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convnet import _core
from tests.ops.harness import new_graph

Array = np.ndarray


def run_updates(
    updates: Sequence[tuple[str, Sequence[str], dict[str, Any]]],
    buffers: dict[str, Array],
    hyper: Sequence[tuple[float, float]] = ((0.0, 0.0),),
    threads: int = 1,
) -> None:
    """Runs (op, names of buffers, attributes) one after another, once for each row of `hyper`;
    buffers (float32) change in place."""
    graph = new_graph()
    ids = {name: graph.state(array.shape, name) for name, array in buffers.items()}
    for op, names, attrs in updates:
        graph.update(op, [ids[name] for name in names], attrs)
    plan = _core.Plan(graph, [], 1)
    for name, array in buffers.items():
        plan.bind(ids[name], array)
    rows = np.array(hyper, dtype=np.float64)
    _core.set_num_threads(threads)
    try:
        plan.train({}, np.zeros(len(rows), np.int64), 1, rows)
    finally:
        _core.set_num_threads(0)
