"""One kernel to be timed: a plan that runs it, beside NumPy.

A plan also gathers the inputs and may need a forward pass before the gradient in question. What
that takes is measured by a plan without the kernel and taken off. The kernel runs several times in
a step, each time on views of the same inputs, so that what is left stands out of the noise. Of a
result with a batch one element of each sample is read; results of whole arrays stay in memory of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from bench import report
from convnet import _core

Array = np.ndarray
Ids = Sequence[int]
RATE_AND_STEPS_DONE = np.array([[1e-3, 0.0]])
Case = TypeVar("Case")
LARGE = 1e7  # floating-point operations from which one run a step is enough


def normal(*shape: int, seed: int = 0) -> Array:
    """Samples of the normal distribution in single precision."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def traffic(*arrays: Array) -> float:
    """Bytes of arrays that are each read or written once."""
    return float(sum(array.size for array in arrays)) * 4


def sized(cases: Sequence[Case], batch: int | None) -> list[Case]:
    """Cases with `batch` samples where it is given."""
    return [replace(case, batch=batch or case.batch) for case in cases]


@dataclass
class Kernel:
    """A kernel, its inputs, and the same in NumPy.

    `op(graph, *ids)` adds the kernel for values that `before(graph, *ids)` made of the inputs:
    those with one row a sample (`batched`), then `weights`. It returns results in the order of
    NumPy's, or nothing where it changes weights in place. Its work is told by `flops` or by the
    bytes `moved`. `equal` compares results where rounding is not all that may differ.
    """

    name: str
    op: Callable[..., Ids]
    numpy: Callable[[], Any]
    batched: Sequence[Array] = ()
    weights: Sequence[Array] = ()
    before: Callable[..., Ids] = lambda graph, *ids: ids
    flops: float = 0.0
    moved: float = 0.0
    equal: Callable[[Array, Array], bool] | None = None

    @property
    def repeats(self) -> int:
        """Runs of the kernel in a timed step."""
        return 1 if self.flops > LARGE else 8

    def check(self) -> None:
        """Raise AssertionError unless one run gives what NumPy gives."""
        step = Step(self, 1, read=True)
        step()
        expected = self.numpy()
        expected = [expected] if isinstance(expected, np.ndarray) else list(expected)
        found = step.results or step.weights[: len(expected)]
        for got, want in zip(found, expected, strict=True):
            assert got.shape == want.shape, f"{self.name}: {got.shape}, NumPy {want.shape}"
            scale = max(1e-6, float(np.abs(want).max(initial=0.0)))
            close = self.equal or (lambda a, b, s=scale: np.allclose(a, b, 1e-3, 1e-3 * s))
            assert close(got, want), f"{self.name}: the core and NumPy do not agree"

    def measure(self, seconds: float) -> dict[str, dict[str, float]]:
        """Milliseconds of one run in the core and in NumPy."""
        steps = report.measure(Step(self, self.repeats), 5, seconds, less=Step(self, 0))
        core = {name: time / self.repeats for name, time in steps.items()}
        return {"core": core, "numpy": report.measure(self.numpy, 5, seconds)}


Builder = Callable[[], Iterable[Kernel]]


class Step:
    """A step with `copies` of a kernel; `read` returns all of its results."""

    def __init__(self, kernel: Kernel, copies: int, read: bool = False) -> None:
        self.graph = graph = _core.Graph()
        self.rows = len(kernel.batched[0]) if kernel.batched else 1
        inputs = [graph.input(a.shape[1:], f"x{i}") for i, a in enumerate(kernel.batched)]
        weights = [graph.parameter(a.shape, f"w{i}") for i, a in enumerate(kernel.weights)]
        self.feeds = dict(zip(inputs, kernel.batched, strict=True))
        self.weights = [a.copy() for a in kernel.weights]
        ids = kernel.before(graph, *inputs, *weights)
        results = [
            whole(graph, id)
            for _ in range(copies)
            for id in kernel.op(graph, *(self._views(ids) if copies > 1 else ids))
        ]
        if not copies:
            results = [id for id in {*inputs, *ids} - {*weights} if self._storage(id) != "none"]
        held = [] if read else [self._held(id) for id in results]
        self.plan = _core.Plan(graph, results if read else [], self.rows, held)
        memory = [np.zeros(graph.shape(id), np.float32) for id in held]
        for id, array in zip([*weights, *held], [*self.weights, *memory], strict=True):
            self.plan.bind(id, array)
        self.order = np.arange(self.rows)
        self.results = [self._room(id) for id in results] if read else []

    def __call__(self) -> None:
        self.plan.train(
            self.feeds, self.order, self.rows, RATE_AND_STEPS_DONE, results=self.results
        )

    def _storage(self, id: int) -> str:
        """`batched`, `single`, or `none` for what only gradients use."""
        storage = self.graph.storage(id)
        return storage if storage in ("batched", "single") else "none"

    def _views(self, ids: Ids) -> Ids:
        """Other names, so that copies of a kernel do not share what it derives from its inputs."""
        return [
            id
            if self._storage(id) == "none"
            else self.graph.add("reshape", [id], {"shape": list(self.graph.shape(id))})[0]
            for id in ids
        ]

    def _held(self, id: int) -> int:
        """A whole array that is computed only if `id` is."""
        if self._storage(id) == "single":
            return id
        rank = len(self.graph.shape(id))
        corner = self.graph.add("slice", [id], {"begin": [0] * rank, "size": [1] * rank})
        return int(self.graph.add("batch_sum", corner)[0])

    def _room(self, id: int) -> Array:
        shape = self.graph.shape(id)
        rows = (self.rows,) if self._storage(id) == "batched" else ()
        return np.zeros((*rows, *shape), np.float32)


def whole(graph: Any, id: int) -> int:
    """`id`, or the sum of a gradient's parts."""
    return int(graph.add("slot_sum", [id])[0]) if graph.storage(id) == "slotted" else id


def mask_of(id: int) -> int:
    """The mask that an op keeps for its gradient, which is made next after its result."""
    return id + 1
