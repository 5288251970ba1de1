"""Kernels against vectorised NumPy: `python -m bench.kernels [names] [--json FILE]`.

Each convolution, dense layer and pool of the named shapes, forward and backward, beside NumPy's
im2col and matrix product. Results stay in the core's layout; gathering inputs is part of the core's
time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.cases.conv2d import MNIST, Conv2DCase
from tests.cases.dense import BENCH as DENSE
from tests.cases.dense import DenseCase

from bench import report
from convnet import _core

Run = Callable[[], Any]


@dataclass
class Kernel:
    """One thing to time, in the core and in NumPy, and the multiply-adds it takes."""

    name: str
    flops: float
    core: Run
    numpy: Run


def _plan(graph: Any, results: list[int], memory: dict[int, np.ndarray], feeds: Any, n: int) -> Run:
    """Runs a graph whose results are sums that stay in memory of their own."""
    for id in results:
        memory[id] = np.zeros(graph.shape(id), np.float32)
    plan = _core.Plan(graph, [], n, results)
    for id, array in memory.items():
        plan.bind(id, array)
    order, hyper = np.arange(n), np.zeros((1, 1))
    return lambda: plan.train(feeds, order, n, hyper)


def _total(graph: Any, id: int) -> int:
    return int(graph.add("batch_sum", graph.add("reshape", [id], {"shape": [-1]}))[0])


def _patches(x: np.ndarray, case: Conv2DCase) -> np.ndarray:
    top, bottom, left, right = case.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, case.kernel, axis=(1, 2))
    windows = windows[:, :: case.strides[0], :: case.strides[1]]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], -1)


def conv2d_kernels(case: Conv2DCase) -> list[Kernel]:
    """Forward, gradient for the input and gradient for the weights of one convolution."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.batch, *case.size, case.channels)).astype(np.float32)
    w = rng.normal(size=(*case.kernel, case.channels, case.filters)).astype(np.float32)
    matrix = w.reshape(-1, case.filters)
    y = _patches(x, case) @ matrix
    dy = rng.normal(size=y.shape).astype(np.float32)
    flops = 2.0 * y.size * matrix.shape[0]

    def build(op: str) -> Run:
        graph = _core.Graph()
        feeds, memory = {}, {}

        def fed(array: np.ndarray, name: str) -> int:
            id = int(graph.input(array.shape[1:], name))
            feeds[id] = array
            return id

        weights = graph.parameter(w.shape, "w")
        memory[weights] = w
        if op == "forward":
            result = graph.add("conv2d", [fed(x, "x"), weights, None], case.attrs)[0]
            return _plan(graph, [_total(graph, result)], memory, feeds, case.batch)
        if op == "backward_input":
            attrs = case.attrs | {"size": list(case.size)}
            result = graph.add("conv2d_backward_input", [fed(dy, "dy"), weights], attrs)[0]
            return _plan(graph, [_total(graph, result)], memory, feeds, case.batch)
        attrs = case.attrs | {"kernel": list(case.kernel)}
        parts = graph.add("conv2d_backward_weight", [fed(x, "x"), fed(dy, "dy")], attrs)
        return _plan(graph, graph.add("slot_sum", parts), {}, feeds, case.batch)

    flat = dy.reshape(-1, case.filters)
    return [
        Kernel(f"{case.name} forward", flops, build("forward"), lambda: _patches(x, case) @ matrix),
        Kernel(
            f"{case.name} backward_input",
            flops,
            build("backward_input"),
            lambda: _numpy_backward_input(dy, matrix, case),
        ),
        Kernel(
            f"{case.name} backward_weight",
            flops,
            build("backward_weight"),
            lambda: _patches(x, case).reshape(-1, matrix.shape[0]).T @ flat,
        ),
    ]


def _numpy_backward_input(dy: np.ndarray, matrix: np.ndarray, case: Conv2DCase) -> np.ndarray:
    columns = (dy @ matrix.T).reshape(*dy.shape[:3], *case.kernel, case.channels)
    top, bottom, left, right = case.padding
    shape = (case.batch, case.size[0] + top + bottom, case.size[1] + left + right, case.channels)
    dx = np.zeros(shape, np.float32)
    height, width = dy.shape[1:3]
    for ky in range(case.kernel[0]):
        for kx in range(case.kernel[1]):
            dx[:, ky : ky + height, kx : kx + width] += columns[:, :, :, ky, kx]
    return dx


def dense_kernels(case: DenseCase) -> list[Kernel]:
    """Forward, gradient for the input and gradient for the weights of one dense layer."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.batch, case.inputs)).astype(np.float32)
    w = rng.normal(size=(case.inputs, case.units)).astype(np.float32)
    dy = rng.normal(size=(case.batch, case.units)).astype(np.float32)
    flops = 2.0 * x.size * case.units

    def build(op: str) -> Run:
        graph = _core.Graph()
        weights = graph.parameter(w.shape, "w")
        x_id, dy_id = graph.input(x.shape[1:], "x"), graph.input(dy.shape[1:], "dy")
        feeds = {x_id: x, dy_id: dy}
        if op == "weight":
            rows = graph.add("lanes_to_rows", [dy_id])[0]
            attrs = {"units": case.units}
            results = graph.add("dense_backward_weight", [x_id, rows], attrs)
            return _plan(graph, results, {weights: w}, feeds, case.batch)
        name, inputs = (
            ("dense", [x_id, weights, None])
            if op == "forward"
            else ("dense_backward_input", [dy_id, weights])
        )
        result = graph.add(name, inputs)[0]
        return _plan(graph, [_total(graph, result)], {weights: w}, feeds, case.batch)

    return [
        Kernel(f"{case.name} forward", flops, build("forward"), lambda: x @ w),
        Kernel(f"{case.name} backward_input", flops, build("input"), lambda: dy @ w.T),
        Kernel(f"{case.name} backward_weight", flops, build("weight"), lambda: x.T @ dy),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="cases to run; all by default")
    parser.add_argument("--json", type=Path, default=report.RESULTS / "kernels.json")
    arguments = parser.parse_args()
    environment = report.environment()
    print(", ".join(f"{k} {v}" for k, v in environment.items()))
    kernels = [k for case in MNIST for k in conv2d_kernels(case)]
    kernels += [k for case in DENSE for k in dense_kernels(case)]
    rows = []
    for kernel in kernels:
        if arguments.names and not any(name in kernel.name for name in arguments.names):
            continue
        core, numpy = report.measure(kernel.core), report.measure(kernel.numpy)
        rate = kernel.flops / core["median"] / 1e6
        rows.append(
            {
                "kernel": kernel.name,
                "core_ms": core["median"],
                "numpy_ms": numpy["median"],
                "ratio": numpy["median"] / core["median"],
                "gflops": rate,
                "of_peak": rate / environment["peak_gflops"],
            }
        )
    columns = ["kernel", "core_ms", "numpy_ms", "ratio", "gflops", "of_peak"]
    report.print_table(columns, [[row[c] for c in columns] for row in rows])
    report.write_json(arguments.json, environment, rows)


if __name__ == "__main__":
    main()
