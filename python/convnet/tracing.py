"""Recording a computation: a `Trace` holds one graph, a `GraphTensor` one value in it.

A value is batched (one row for each sample; its graph shape is that of one sample) or single
(weights, constants, whole-batch results). Everything in Python counts the batch axis: a batched
value with graph shape (4, 3) has `.shape == (None, 4, 3)`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

import numpy as np

from convnet import _core, config
from convnet.operators import TensorOperators
from convnet.variables import Variable

_active: ContextVar[Trace | None] = ContextVar("convnet_trace", default=None)


def current_trace() -> Trace | None:
    """The trace that is being recorded, if any."""
    return _active.get()


class GraphTensor(TensorOperators):
    """One value of a graph that is being recorded.

    Attributes:
        trace: The trace that it belongs to.
        id: Its number in the graph.
        shape: Its shape; None stands for the batch.
        batched: Whether it has a row for each sample.
        dtype: What the numbers mean: `"float32"`, `"int32"` or `"bool"`; all are kept as float32.
        _logits: Where it is the result of a softmax or a sigmoid: which, and of what.
    """

    __slots__ = ("_keras_mask", "_logits", "batched", "dtype", "id", "shape", "trace")

    def __init__(self, trace: Trace, id: int, dtype: str = "float32") -> None:
        self.trace = trace
        self.id = id
        self.batched = trace.graph.storage(id) == "batched"
        sizes = tuple(trace.graph.shape(id))
        self.shape: tuple[int | None, ...] = (None, *sizes) if self.batched else sizes
        self.dtype = dtype
        self._keras_mask: GraphTensor | None = None
        self._logits: tuple[str, GraphTensor] | None = None

    @property
    def ndim(self) -> int:
        """Number of axes, counting the batch."""
        return len(self.shape)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape as the graph counts it, without a batch axis."""
        return tuple(self.trace.graph.shape(self.id))

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise TypeError("The size of the batch is not known while a computation is traced.")
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise ValueError(
            "A GraphTensor has no values yet: a computation is being traced. "
            "Use `convnet.ops` instead of NumPy functions on tensors."
        )

    def __repr__(self) -> str:
        return f"<GraphTensor shape={self.shape}, dtype={self.dtype}>"


class Trace:
    """The recording of one computation into one graph.

    While a `with` block over a trace is open, ops on variables record into it.

    Args:
        training: Whether layers behave as in training (dropout, batch statistics).
        lanes: Samples that lie side by side: 16, or 1 to run them one by one, as a GPU does always.
        few: With one lane, whether there are a few samples only.
        trainable: Ids of the variables that gradients are wanted for; None for what the variables
            themselves say.

    Attributes:
        graph: The `_core.Graph`.
        lanes: Samples that lie side by side.
        training: What layers take for `training` unless told otherwise.
        differentiable: Whether gradients may be asked for: ops keep what those need.
        losses: Scalars from `add_loss` and activity regularizers, in order.

    >>> with Trace() as trace:
    ...     x = trace.input((3,), "x")
    ...     y = trace.one("unary", [x], fn="relu")
    >>> y.shape
    (None, 3)
    """

    def __init__(
        self,
        training: bool | None = None,
        trainable: Collection[int] | None = None,
        lanes: int = 16,
        few: bool = True,
    ) -> None:
        self.graph = _core.Graph(lanes, config.graph_algorithms(), few, config.gpu())
        self.lanes = 1 if config.gpu() >= 0 else lanes
        self.training = training
        self.differentiable = bool(training)
        self._trainable = trainable
        self.losses: list[GraphTensor] = []
        self.inputs: list[GraphTensor] = []
        self.arrays: dict[int, np.ndarray] = {}
        self._variables: dict[int, tuple[Variable, GraphTensor]] = {}
        self._tokens: list[Token[Trace | None]] = []

    def __enter__(self) -> Trace:
        self._tokens.append(_active.set(self))
        return self

    def __exit__(self, *exception: object) -> None:
        _active.reset(self._tokens.pop())

    @contextmanager
    def labelled(self, name: str, bfloat16: bool | None = None) -> Iterator[None]:
        """Say what ops inside of a `with` block are recorded for, such as a layer's name.

        Blocks in each other make a path with slashes. Gradients have the labels of what they are
        the gradients of; `Model.profile` shows them.

        Args:
            name: Name of the layer, or what else it is.
            bfloat16: Whether a GPU rounds the operands of products to bfloat16, also those of
                gradients; None for what the block outside says.
        """
        outer = self.graph.label, self.graph.bfloat16
        self.graph.label = f"{outer[0]}/{name}" if outer[0] else name
        if bfloat16 is not None:
            self.graph.bfloat16 = bfloat16
        try:
            yield
        finally:
            self.graph.label, self.graph.bfloat16 = outer

    def input(self, shape: Any, name: str = "input", dtype: str = "float32") -> GraphTensor:
        """A batched input; `shape` is that of one sample."""
        with self.labelled("input"):
            tensor = GraphTensor(self, self.graph.input(tuple(shape), name), dtype)
        self.inputs.append(tensor)
        return tensor

    def placeholder(self, shape: Any, name: str = "placeholder") -> GraphTensor:
        """A single value without memory, for inferring shapes."""
        return GraphTensor(self, self.graph.state(tuple(shape), name))

    def variable(self, variable: Variable) -> GraphTensor:
        """The value of a variable; the same tensor each time."""
        if id(variable) not in self._variables:
            known = self._trainable
            trainable = variable.trainable if known is None else id(variable) in known
            declare = self.graph.parameter if trainable else self.graph.state
            tensor = GraphTensor(self, declare(variable.shape, variable.path))
            self._variables[id(variable)] = (variable, tensor)
        return self._variables[id(variable)][1]

    @property
    def variables(self) -> list[tuple[Variable, GraphTensor]]:
        """The variables read so far with their tensors, in order of first use."""
        return list(self._variables.values())

    def constant(self, value: Any) -> GraphTensor:
        """A single value that never changes."""
        array = np.asarray(value)
        kind = {"b": "bool", "i": "int32", "u": "int32"}.get(array.dtype.kind, "float32")
        data = np.ascontiguousarray(array, dtype=np.float32).reshape(array.shape)
        tensor = GraphTensor(self, self.graph.constant(data), kind)
        self.arrays[tensor.id] = data
        return tensor

    def tensor(self, value: Any) -> GraphTensor:
        """`value` in this trace: a tensor of it, a variable, or anything that NumPy understands.

        Raises:
            ValueError: if `value` is a tensor of another trace.
        """
        if isinstance(value, GraphTensor):
            if value.trace is not self:
                raise ValueError(
                    f"{value} belongs to another trace. Tensors live only during the call that "
                    "made them: do not keep them in attributes."
                )
            return value
        if isinstance(value, Variable):
            return self.variable(value)
        return self.constant(value)

    def one(
        self, op: str, inputs: list[Any], dtype: str = "float32", **attributes: Any
    ) -> GraphTensor:
        """Record an op of the core that has one output; see `add`."""
        return self.add(op, inputs, dtype, **attributes)[0]

    def add(
        self, op: str, inputs: list[Any], dtype: str = "float32", **attributes: Any
    ) -> list[GraphTensor]:
        """Record an op of the core.

        Args:
            op: Its name in `_core.ops()`.
            inputs: Tensors, variables, arrays or None.
            dtype: What the result's numbers mean.
            **attributes: Its attributes; axes do not count the batch.

        Returns:
            The outputs.
        """
        ids = [None if x is None else self.tensor(x).id for x in inputs]
        return [GraphTensor(self, id, dtype) for id in self.graph.add(op, ids, attributes)]

    def assign(self, variable: Variable, value: GraphTensor) -> None:
        """Record that `variable` takes `value` after everything else has run."""
        if value.shape != variable.shape:
            raise ValueError(
                "The shape of the target variable and the shape of the target value in "
                "`variable.assign(value)` must match. "
                f"variable.shape={variable.shape}, Received: value.shape={value.shape}. "
                f"Target variable: {variable.path}"
            )
        self.graph.update("assign", [self.variable(variable).id, value.id], {})
