"""Runs one op through a graph: its outputs, and its gradients for random output gradients.

Everything runs on the device in force: tests of ops are run on the CPU and on the GPU.

`check` holds both against float64 references. A gradient reference is either given, or taken by
central differences of the float64 forward reference, so that an op needs only its forward formula
written down.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from convnet import _core, config

Array = np.ndarray


@dataclass
class Operand:
    """One input of an op: `batched` values hold one row a sample, weights are whole."""

    array: Array
    batched: bool = True
    differentiable: bool = True
    state: bool = False


def batched(array: Array, differentiable: bool = True) -> Operand:
    return Operand(np.ascontiguousarray(array, dtype=np.float32), True, differentiable)


def weight(array: Array, differentiable: bool = True) -> Operand:
    return Operand(np.ascontiguousarray(array, dtype=np.float32), False, differentiable)


def new_graph(
    lanes: int = 16, algorithms: dict[str, str] | None = None, few: bool = True
) -> _core.Graph:
    """A graph for the device in force; a GPU has one lane whatever is asked for."""
    return _core.Graph(lanes, algorithms or {}, few, config.gpu())


def forms() -> list[dict[str, Any]]:
    """How samples may lie in memory on the device in force."""
    if config.gpu() >= 0:
        return [{"lanes": 1, "few": False}]
    return [{"lanes": 16, "few": False}, {"lanes": 1, "few": True}, {"lanes": 1, "few": False}]


@dataclass
class Result:
    outputs: list[Array]
    gradients: list[Array | None] = field(default_factory=list)


def run_op(
    op: str,
    operands: Sequence[Operand | None],
    attrs: dict[str, Any] | None = None,
    output_gradients: Sequence[Array | None] | None = None,
    *,
    threads: int = 1,
    capacity: int | None = None,
    seed: int = 0,
    lanes: int = 16,
    few: bool = True,
    algorithms: dict[str, str] | None = None,
    bfloat16: bool = False,
) -> Result:
    """Outputs of `op`, and gradients of its operands where gradients of its outputs are given."""
    graph = new_graph(lanes, algorithms, few)
    graph.bfloat16 = bfloat16
    ids: list[int | None] = []
    feeds: dict[int, Array] = {}
    memory: dict[int, Array] = {}
    n = next((len(o.array) for o in operands if o is not None and o.batched), 1)
    for i, operand in enumerate(operands):
        if operand is None:
            ids.append(None)
        elif operand.batched:
            ids.append(graph.input(operand.array.shape[1:], f"x{i}"))
            feeds[ids[-1]] = guarded(operand.array) if lanes == 1 else operand.array
        else:
            declare = (
                graph.parameter if operand.differentiable and not operand.state else graph.state
            )
            ids.append(declare(operand.array.shape, f"w{i}"))
            memory[ids[-1]] = operand.array
    # Results that only the gradient uses are not for the outside.
    outputs = [
        o for o in graph.add(op, ids, attrs or {}) if graph.storage(o) in ("batched", "single")
    ]
    gradient_of: dict[int, int] = {}
    if output_gradients is not None:
        seeds = {}
        for out, gradient in zip(outputs, output_gradients, strict=False):
            if gradient is None:
                continue
            gradient = np.ascontiguousarray(gradient, dtype=np.float32)
            if graph.storage(out) == "single":
                seeds[out] = graph.constant(gradient)
            else:
                seeds[out] = graph.input(gradient.shape[1:], f"dy{out}")
                feeds[seeds[out]] = gradient
        wrt = [v for v, o in zip(ids, operands, strict=True) if o is not None and o.differentiable]
        gradient_of = graph.backward([], seeds, wrt)
    order = list(gradient_of.items())
    results = outputs + [g for _, g in order]
    in_place = lanes == 1 and config.gpu() < 0
    plan = _core.Plan(graph, results, capacity or n, in_place=in_place)
    plan.seed = seed
    for value, array in memory.items():
        plan.bind(value, array)
    before = _core.num_threads()
    _core.set_num_threads(threads)
    try:
        results = plan.predict(feeds, n)
    finally:
        _core.set_num_threads(before)
    found = dict(zip((v for v, _ in order), results[len(outputs) :], strict=True))
    return Result(results[: len(outputs)], [None if v is None else found.get(v) for v in ids])


def numeric_gradients(
    forward: Callable[..., Sequence[Array]],
    arrays: Sequence[Array | None],
    output_gradients: Sequence[Array | None],
    wanted: Sequence[bool],
    step: float = 1e-6,
) -> list[Array | None]:
    """Central differences in float64 of sum(output * output_gradient)."""

    def objective(values: Sequence[Array | None]) -> float:
        total = 0.0
        for out, gradient in zip(forward(*values), output_gradients, strict=True):
            if gradient is not None:
                total += float(np.sum(out * gradient))
        return total

    values = [None if a is None else np.array(a, dtype=np.float64) for a in arrays]
    gradients: list[Array | None] = []
    for value, want in zip(values, wanted, strict=True):
        if value is None or not want:
            gradients.append(None)
            continue
        gradient = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            kept = value[index]
            value[index] = kept + step
            high = objective(values)
            value[index] = kept - step
            gradient[index] = (high - objective(values)) / (2 * step)
            value[index] = kept
        gradients.append(gradient)
    return gradients


def assert_close(actual: Array, expected: Array, tolerance: float, what: str = "") -> None:
    """Compares with an absolute tolerance scaled by the size of the expected values."""
    expected = np.asarray(expected, dtype=np.float64)
    assert actual.shape == expected.shape, (
        f"{what}: shape {actual.shape}, expected {expected.shape}"
    )
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(
        actual, expected, rtol=tolerance, atol=tolerance * scale, err_msg=what
    )


def guarded(array: Array) -> Array:
    """A float32 copy that ends where no memory can be read: reading on is a crash."""
    data = np.ascontiguousarray(array, dtype=np.float32)
    if sys.platform not in ("linux", "darwin"):
        return data
    page = mmap.PAGESIZE
    size = -(-data.nbytes // page) * page
    memory = np.frombuffer(mmap.mmap(-1, size + page), np.uint8)
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(memory.ctypes.data + size), page, 0):
        raise OSError("mprotect failed")
    copy = memory[size - data.nbytes : size].view(np.float32).reshape(data.shape)
    copy[...] = data
    return copy


def _in_lanes_of(
    op: str,
    operands: Sequence[Operand | None],
    attrs: dict[str, Any],
    seeds: Sequence[Array | None] | None,
    threads: Sequence[int],
    algorithms: dict[str, str] | None,
    form: dict[str, Any],
) -> list[Result]:
    """Results for each number of threads; none where the op, or its gradient, needs 16 lanes."""
    forced = {"algorithms": algorithms} | form
    try:
        return [run_op(op, operands, attrs, seeds, threads=t, **forced) for t in threads]
    except _core.NeedsLanes:
        assert form["lanes"] == 1
        if seeds is None:
            return []
        return _in_lanes_of(op, operands, attrs, None, threads, algorithms, form)


def _assert_same_bits(results: Sequence[Result], op: str) -> None:
    for other in results[1:]:
        for a, b in zip(results[0].outputs, other.outputs, strict=True):
            assert np.array_equal(a, b, equal_nan=True), f"{op}: bits depend on threads"
        for a, b in zip(results[0].gradients, other.gradients, strict=True):
            assert a is None or np.array_equal(a, b, equal_nan=True), (
                f"{op}: gradient bits depend on threads"
            )


def check(
    op: str,
    operands: Sequence[Operand | None],
    attrs: dict[str, Any],
    forward: Callable[..., Sequence[Array]],
    *,
    backward: Callable[..., Sequence[Array | None]] | None = None,
    rng: np.random.Generator,
    tolerance: float = 2e-5,
    gradients: bool = True,
    threads: Sequence[int] = (1, 2, 3),
    algorithms: dict[str, str] | None = None,
) -> None:
    """Holds an op to its references, with 16 samples in lanes and, where the op takes that, one by
    one, a few of them or many; bits must be the same for every number of threads. A GPU must give
    the same bits twice.

    The references: `forward(*arrays) -> outputs`, and for its gradients
    `backward(*arrays, *output_gradients)` or central differences.
    """
    arrays = [None if o is None else o.array.astype(np.float64) for o in operands]
    expected = list(forward(*arrays))
    seeds: list[Array | None] | None = None
    if gradients:
        seeds = [rng.normal(size=e.shape).astype(np.float32) for e in expected]
    wanted = [o is not None and o.differentiable for o in operands]
    references: Sequence[Array | None] = []
    if seeds is not None:
        exact = [s.astype(np.float64) for s in seeds]
        references = (
            backward(*arrays, *exact)
            if backward
            else numeric_gradients(forward, arrays, exact, wanted)
        )
    if config.gpu() >= 0:
        if algorithms:
            pytest.skip("only the CPU has a choice of algorithms")
        threads = threads[:2]
    for form in forms():
        lanes = form["lanes"]
        free = lanes == 1 and config.gpu() < 0  # to have no gradient without 16 lanes
        results = _in_lanes_of(op, operands, attrs, seeds, threads, algorithms, form)
        for result in results[:1]:
            for got, want in zip(result.outputs, expected, strict=True):
                assert_close(got, want, tolerance, f"{op} output, {lanes} lanes")
            if not any(g is not None for g in result.gradients):
                assert free or seeds is None or not any(wanted), f"{op}: no gradient"
                continue
            for i, (got, want) in enumerate(zip(result.gradients, references, strict=True)):
                if want is not None and wanted[i]:
                    assert got is not None, f"{op}: no gradient reached input {i}"
                    assert_close(got, want, tolerance, f"{op} gradient of input {i}, {lanes} lanes")
        _assert_same_bits(results, op)
