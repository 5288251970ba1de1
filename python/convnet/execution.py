"""Running traced calls: shapes for symbolic tensors, values for arrays."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from convnet import _core, config, tree, variables
from convnet._core import DeviceArray
from convnet.symbolic import KerasTensor, Shape
from convnet.tracing import GraphTensor, Trace
from convnet.variables import Variable

Fed = np.ndarray | DeviceArray  # what plans take

_T = TypeVar("_T")

# Stand-ins for sizes that are not known: large enough for windows to fit, with many divisors.
# A size that changes from one to the other depends on an unknown one.
_SURROGATES = (240, 360)
_LARGEST_STEP = 256
LANES = 16  # samples of a shard
FEW = 10  # samples that are run one by one, features in lanes, rather than 16 side by side
_WIDE = 256  # features of samples that nets of dense layers run one by one, however many there are


def infer_outputs(
    call: Callable[..., Any], args: Any, kwargs: Any, training: bool | None = None
) -> Any:
    """The symbolic tensors that `call` returns for arguments with symbolic tensors in them.

    The call is traced on a scratch graph, so that an op's own shape inference is the only one.
    """
    leaves = [leaf for leaf in tree.walk((args, kwargs)) if isinstance(leaf, KerasTensor)]
    batch = next((t.shape[0] for t in leaves if t.batched), None)
    known = all(None not in (t.shape[1:] if t.batched else t.shape) for t in leaves)
    sizes = _SURROGATES[:1] if known else _SURROGATES
    probes = [_probe(call, args, kwargs, training, size) for size in sizes]
    merged = [
        _merge([tree.flatten(probe)[i] for probe in probes], batch)
        for i in range(len(tree.flatten(probes[0])))
    ]
    return tree.pack_sequence_as(probes[0], merged)


def _probe(
    call: Callable[..., Any], args: Any, kwargs: Any, training: bool | None, size: int
) -> Any:
    with Trace(training) as trace:
        tensors: dict[int, GraphTensor] = {}

        def stand_in(leaf: Any) -> Any:
            if not isinstance(leaf, KerasTensor):
                return leaf
            if id(leaf) not in tensors:
                tensors[id(leaf)] = _stand_in(trace, leaf, size)
            return tensors[id(leaf)]

        args, kwargs = tree.map_structure(stand_in, (args, kwargs))
        outputs = call(*args, **kwargs)
        return tree.map_structure(lambda x: None if x is None else trace.tensor(x), outputs)


def _stand_in(trace: Trace, tensor: KerasTensor, size: int) -> GraphTensor:
    shape = tuple(size if n is None else n for n in tensor.shape)
    dtype = "float32" if tensor.dtype == "bfloat16" else tensor.dtype
    if tensor.batched:
        return trace.input(shape[1:], tensor.name, dtype)
    result = trace.placeholder(shape)
    result.dtype = dtype
    return result


def _merge(probes: list[GraphTensor | None], batch: int | None) -> KerasTensor | None:
    first = probes[0]
    if first is None:
        return None
    last = probes[-1]
    assert last is not None
    pairs = zip(first.shape, last.shape, strict=True)
    shape: Shape = tuple(a if a == b else None for a, b in pairs)
    if first.batched:
        shape = (batch, *shape[1:])
    return KerasTensor(shape, first.dtype, batched=first.batched)


def run_once(function: Callable[[Trace], Any]) -> Any:
    """Trace `function`, run the graph and return its results as arrays in the same structure."""
    with Trace() as trace:
        structure = function(trace)
        leaves = [trace.tensor(leaf) for leaf in tree.flatten(structure)]
    return tree.pack_sequence_as(structure, _Fetch(trace, leaves, capacity=1).run({}, 1))


class _Fetch:
    """The planned graph of a trace and the way its results become arrays."""

    def __init__(self, trace: Trace, outputs: list[GraphTensor], capacity: int) -> None:
        self._given = {tensor.id for tensor in trace.inputs}
        self._constants = trace.arrays
        self._outputs = [(tensor.id, tensor.dtype) for tensor in outputs]
        self._bound: list[tuple[int, Variable, np.ndarray | None]] = [
            (tensor.id, variable, None) for variable, tensor in trace.variables
        ]
        self._variables = {tensor.id: variable for variable, tensor in trace.variables}
        simple = self._given | self._constants.keys() | self._variables.keys()
        self._computed = [id for id, _ in self._outputs if id not in simple]
        self.plain = self._outputs == [(id, "float32") for id in self._computed]
        self._lock = threading.Lock()
        self._moves = -1
        trace.graph.fuse(self._computed)
        self.plan = _core.Plan(
            trace.graph, outputs=self._computed, capacity=capacity, in_place=True
        )
        self._bind()

    def _bind(self) -> None:
        """Point the plan at the variables' memory, which the trainer may have moved."""
        moves = variables.moves
        if moves == self._moves:
            return
        with self._lock:
            for id, variable, memory in self._bound:
                if variable.memory is not memory:
                    self.plan.bind(id, variable.memory, resident=True)
            self._bound = [(id, variable, variable.memory) for id, variable, _ in self._bound]
            self._moves = moves

    def run(self, inputs: dict[int, Fed], samples: int) -> list[Any]:
        self._bind()
        computed = self.plan.predict(inputs, samples)
        if self.plain:
            return computed
        computed = [np.asarray(value) for value in computed]
        values = dict(zip(self._computed, computed, strict=True))
        return [self._value(id, values, inputs).astype(dtype) for id, dtype in self._outputs]

    def run_one(self, array: Any, samples: int) -> np.ndarray | None:
        """`run` where there is one input, one plain result and nothing to do to the array."""
        if variables.moves != self._moves:
            self._bind()
        return self.plan.predict_one(array, samples)

    def _value(self, id: int, values: dict[int, np.ndarray], inputs: dict[int, Fed]) -> np.ndarray:
        for source in (values, inputs, self._constants):
            if id in source:
                return np.asarray(source[id])
        return self._variables[id].numpy()


def in_lanes(make: Callable[[int, bool], _T], few: bool, shapes: Iterable[tuple[int, ...]]) -> _T:
    """What `make(lanes, few)` makes for shards of one sample, where that pays and every op takes
    that, or else for 16 samples side by side. It pays for few samples, and for many where nets of
    dense layers have wide inputs; `config.algorithm` forces it.

    Args:
        make: Given the samples that lie side by side, and whether there are a few only.
        few: Whether there are a few samples only.
        shapes: Shape of one sample of each input.
    """
    forced = config.algorithms().get("lanes")
    few = few or forced == "1"
    if config.gpu() >= 0:
        return make(1, False)
    if forced != str(LANES) and (few or sum(math.prod(shape) for shape in shapes) >= _WIDE):
        try:
            return make(1, few)
        except _core.NeedsLanes:
            pass
    return make(LANES, few)


class PlannedCall:
    """A call traced and planned once for the shapes of its arguments: arrays in, arrays out.

    Any number of threads may run it at once.

    Args:
        call: Takes a list of batched tensors, returns a structure of tensors.
        shapes: Shape of one sample of each argument.
        capacity: Largest number of samples of one step; more run in several steps.
        training: Whether layers behave as in training.

    Attributes:
        lanes: Samples that lie side by side.
        run_one: Gives the result for one argument and its number of samples, fast; None for what
            `__call__` has to look at, as anything but a contiguous array of so many samples.
    """

    def __init__(
        self,
        call: Callable[[list[GraphTensor]], Any],
        shapes: list[tuple[int, ...]],
        capacity: int,
        training: bool | None = None,
    ) -> None:
        def record(lanes: int, few: bool) -> tuple[Trace, list[GraphTensor], Any]:
            with Trace(training, lanes=lanes, few=few) as trace:
                inputs = [trace.input(shape, f"input_{i}") for i, shape in enumerate(shapes)]
                return trace, inputs, tree.map_structure(trace.tensor, call(inputs))

        trace, inputs, structure = in_lanes(record, capacity <= FEW, shapes)
        self.lanes = trace.lanes
        self._structure = tree.map_structure(lambda _: None, structure)
        self._ids = [tensor.id for tensor in inputs]
        self._fetch = _Fetch(trace, tree.flatten(structure), capacity)
        self.run_one = self._fetch.run_one

    def __call__(self, arrays: Sequence[Fed]) -> Any:
        """Run on arrays that all have one row for each sample. Results are on the GPU if
        they are.
        """
        samples = sample_count(arrays)
        inputs = {id: _as_fed(array) for id, array in zip(self._ids, arrays, strict=True)}
        return tree.pack_sequence_as(self._structure, self._fetch.run(inputs, samples))

    @property
    def plan(self) -> _core.Plan:
        """The core's plan."""
        return self._fetch.plan

    @property
    def takes_one(self) -> bool:
        """Whether there is one argument and one result, computed and of type float32."""
        return len(self._ids) == 1 and self._structure is None and self._fetch.plain


def _as_fed(array: Fed) -> Fed:
    if isinstance(array, DeviceArray):
        return array
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def sample_count(arrays: Sequence[Fed]) -> int:
    """The number of samples that all arrays agree on.

    Raises:
        ValueError: if they do not agree.
    """
    counts = sorted({len(array) for array in arrays})
    if len(counts) != 1:
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of "
            f"samples. Received: sample counts {', '.join(map(str, counts))}"
        )
    return counts[0]


def step_capacity(samples: int, limit: int = _LARGEST_STEP) -> int:
    """The capacity of a plan for calls of about `samples` samples, so that few plans are built.

    >>> [step_capacity(n) for n in (1, 2, 40, 10000)]
    [1, 10, 64, 256]
    """
    if samples <= FEW:
        return 1 if samples == 1 else FEW
    capacity = LANES
    while capacity < samples and capacity < limit:
        capacity *= 2
    return min(capacity, limit)


class PlanCache:
    """The most recently used plans of one layer or model.

    Args:
        size: How many are kept.
    """

    def __init__(self, size: int = 8) -> None:
        self._size = size
        self._plans: OrderedDict[Hashable, PlannedCall] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Hashable, build: Callable[[], PlannedCall]) -> PlannedCall:
        """The plan stored under `key`, built where there is none for the algorithms in force."""
        key = (key, config.algorithms_in_force())
        with self._lock:
            if key not in self._plans:
                self._plans[key] = build()
                if len(self._plans) > self._size:
                    self._plans.popitem(last=False)
            self._plans.move_to_end(key)
            return self._plans[key]

    def find(self, key: Hashable) -> PlannedCall | None:
        """The plan stored under `key` for the algorithms in force, if there is one."""
        key = (key, config.algorithms_in_force())
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
            return plan

    def clear(self) -> None:
        """Forget all plans."""
        with self._lock:
            self._plans.clear()
