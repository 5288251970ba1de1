"""One kernel to be timed: a plan that runs it, what NumPy does, and what peers are asked for.

A plan also gathers the inputs and may need a forward pass before the gradient in question. What
that takes is measured by a plan without the kernel and taken off. The kernel runs several times in
a step, each time on views of the same inputs, so that what is left stands out of the noise. Of a
result with a batch one element of each sample is read; results of whole arrays stay in memory of
their own. Weights count as changed at every step, as in training; but forward kernels of one lane
are those of predictions on a few samples, which keep what they made of weights.

On a GPU (`CONVNET_DEVICE=gpu`) many steps are launched at a time: the host is met once for all.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from bench.protocol import Loop
from bench.rounds import Turn
from convnet import _core, config

Array = np.ndarray
Ids = Sequence[int]
RATE_AND_STEPS_DONE = np.array([[1e-3, 0.0]])
Case = TypeVar("Case")
Request = dict[str, Any]
LARGE = 1e7  # floating-point operations from which one run a step is enough
HUGE = 1e10  # and from which NumPy takes too long
DRAWN = 1_000_003  # a prime, so that no two rows of an array are the same
SPIN_SECONDS = 0.05
PROBE_SECONDS = 0.005
LEAST_COPIED = 1 << 14  # bytes
SHARD = 16  # samples that a thread works on at a time
GPU_STEPS = 32  # that are launched at a time


def normal(*shape: int, seed: int = 0) -> Array:
    """Samples of the normal distribution in single precision, repeated in large arrays."""
    drawn = min(DRAWN, int(np.prod(shape)))
    sample = np.random.default_rng(seed).standard_normal(drawn, dtype=np.float32)
    return np.resize(sample, shape)


def request(kind: str, direction: str, attributes: dict[str, Any], **inputs: Array) -> Request:
    """What `protocol.py` asks of a peer: the kernel on inputs of these shapes."""
    shapes = {name: list(array.shape) for name, array in inputs.items()}
    return {"kernel": kind, "direction": direction, "shapes": shapes, "attributes": attributes}


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
    NumPy's, or nothing where it changes weights in place. `direct` is the same without Winograd's
    algorithm. Its work is told by `flops`, of which `executed` are no products with padding, or by
    the bytes `moved`; `aim` is the share of what the machine can that it should reach. `equal`
    compares results where rounding is not all that may differ. Peers are sent `request`. `sketch`
    is the same kernel on one sample, `cached` a similar one with less data. `copies` of a short
    kernel run in a timed step: one, where `op` needs the very values that `before` made. `trains`
    says whether weights change with every step.
    """

    name: str
    op: Callable[..., Ids]
    numpy: Callable[[], Any]
    batched: Sequence[Array] = ()
    weights: Sequence[Array] = ()
    before: Callable[..., Ids] = lambda graph, *ids: ids
    direct: Callable[..., Ids] | None = None
    flops: float = 0.0
    executed: float = 0.0
    moved: float = 0.0
    aim: float | None = None
    equal: Callable[[Array, Array], bool] | None = None
    request: Request | None = None
    sketch: Kernel | None = None
    cached: Kernel | None = None
    lanes: int = SHARD
    copies: int = 8
    trains: bool = True

    @property
    def repeats(self) -> int:
        """Runs of the kernel in a timed step."""
        return 1 if self.flops > LARGE else self.copies

    @property
    def work(self) -> float:
        """Floating-point operations that direct summation executes, or bytes."""
        return self.executed or self.flops or self.moved

    @property
    def held(self) -> float:
        """Bytes that a thread works on at a time; what has no samples works in place."""
        if not self.batched:
            return traffic(*self.weights) / _core.num_threads()
        shards = -(-len(self.batched[0]) // SHARD)
        return self.moved / max(shards, _core.num_threads())

    def directly(self) -> Kernel | None:
        """The kernel held to direct summation; None if that is how it computes anyway."""
        small = self.sketch or self
        if not self.direct or not differ(small, replace(small, op=small.direct)):
            return None
        return replace(self, op=self.direct)

    def check(self) -> None:
        """Raise AssertionError unless one run gives what NumPy gives; huge ones on one sample."""
        if self.sketch and self.flops > HUGE:
            return self.sketch.check()
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

    def turns(self, numpy: bool = True) -> dict[str, Turn]:
        """What is timed in this process: the core, its direct summation, the machine, NumPy."""
        direct = self.directly()
        found: dict[str, Turn] = {"core": Difference(self).measure}
        found["machine"] = MachineRate(self).measure
        if direct:
            found["direct"] = Difference(direct).measure
        if numpy and self.flops <= HUGE:
            found["numpy"] = (LoopOfProducts if self.flops else Loop)(self.numpy).measure
        return found


class Difference:
    """What a kernel's runs add to a step."""

    def __init__(self, kernel: Kernel) -> None:
        steps = [Step(kernel, copies) for copies in (kernel.repeats, 0)]
        self._repeats = kernel.repeats * steps[0].count
        self._loops = [Loop(step) for step in steps]

    def measure(self, seconds: float) -> list[float]:
        """Milliseconds of one run."""
        step, rest = (statistics.median(loop.measure(seconds)) for loop in self._loops)
        return [(step - rest) / self._repeats]


class LoopOfProducts(Loop):
    """Turns of NumPy, after which OpenBLAS's threads, which spin when idle, are waited for."""

    def measure(self, seconds: float) -> list[float]:
        times = super().measure(seconds)
        time.sleep(SPIN_SECONDS)
        return times


class MachineRate:
    """The rate that bounds a kernel: of multiply-adds, or of copies of as much as it holds."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def measure(self, seconds: float) -> list[float]:
        """Milliseconds of a thousand million operations or bytes."""
        least = max(seconds / 10, PROBE_SECONDS)
        if config.gpu() >= 0:
            rate = _core.probe_gpu()[0 if self._kernel.flops else 1]
        elif self._kernel.flops:
            rate = _core.probe_peak(least)
        else:
            rate = _core.probe_copy(max(LEAST_COPIED, int(self._kernel.held)), least)
        return [1e12 / rate]


def differ(a: Kernel, b: Kernel) -> bool:
    """Whether two kernels for the same values give other bits."""
    steps = [Step(kernel, 1, read=True) for kernel in (a, b)]
    for step in steps:
        step()
    return any(
        not np.array_equal(*found) for found in zip(*(s.results for s in steps), strict=True)
    )


def _aligned(array: Array) -> Array:
    """A copy where models have their weights, at the beginning of a cache line."""
    copy = _core.aligned_zeros(array.size).reshape(array.shape)
    copy[:] = array
    return copy


Builder = Callable[[], Iterable[Kernel]]


class Step:
    """A step with `copies` of a kernel, taken `count` times; `read` returns all of its results."""

    def __init__(self, kernel: Kernel, copies: int, read: bool = False) -> None:
        gpu = config.gpu()
        on_gpu = gpu >= 0
        self.count = GPU_STEPS if on_gpu and not read else 1
        self.graph = graph = _core.Graph(1 if on_gpu else kernel.lanes, gpu=gpu)
        self.rows = len(kernel.batched[0]) if kernel.batched else 1
        self.changing = kernel.trains and not on_gpu
        inputs = [graph.input(a.shape[1:], f"x{i}") for i, a in enumerate(kernel.batched)]
        weights = [graph.parameter(a.shape, f"w{i}") for i, a in enumerate(kernel.weights)]
        self.feeds = dict(zip(inputs, kernel.batched, strict=True))
        self.weights = [_aligned(a) for a in kernel.weights]
        ids = kernel.before(graph, *inputs, *weights)
        results = [
            whole(graph, id)
            for _ in range(copies)
            for id in kernel.op(graph, *(self._views(ids) if copies > 1 else ids))
        ]
        if not copies:
            results = [id for id in {*inputs, *ids} - {*weights} if self._storage(id) != "none"]
        held = [] if read else [id for id in results if self._storage(id) == "single"]
        outputs = results if read else [self._corner(id) for id in results if id not in held]
        self.plan = _core.Plan(graph, outputs, self.rows, held)
        memory = [_aligned(np.zeros(graph.shape(id), np.float32)) for id in held]
        for id, array in zip([*weights, *held], [*self.weights, *memory], strict=True):
            self.plan.bind(id, array)
        self.order = np.tile(np.arange(self.rows), self.count)
        self.scalars = np.repeat(RATE_AND_STEPS_DONE, self.count, axis=0)
        self.results = [self._room(id) for id in outputs]

    def __call__(self) -> None:
        if self.changing:
            _core.weights_changed()
        self.plan.train(self.feeds, self.order, self.rows, self.scalars, results=self.results)

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

    def _corner(self, id: int) -> int:
        """One element of each sample, which is computed only if `id` is."""
        rank = len(self.graph.shape(id))
        corner = self.graph.add("slice", [id], {"begin": [0] * rank, "size": [1] * rank})
        return int(corner[0])

    def _room(self, id: int) -> Array:
        shape = self.graph.shape(id)
        rows = (self.rows * self.count,) if self._storage(id) == "batched" else ()
        return np.zeros((*rows, *shape), np.float32)


def whole(graph: Any, id: int) -> int:
    """`id`, or the sum of a gradient's parts."""
    return int(graph.add("slot_sum", [id])[0]) if graph.storage(id) == "slotted" else id


def mask_of(id: int) -> int:
    """The mask that an op keeps for its gradient, which is made next after its result."""
    return id + 1
