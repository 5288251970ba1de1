"""How a function becomes an op: one body, three ways to call it.

The body records on `GraphTensor`s. Called with symbolic tensors, an op becomes a node of the
functional graph; with tensors of a trace, it records there; with arrays, it runs at once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from convnet import tree
from convnet.dtype_policies import standardize_dtype
from convnet.execution import PlannedCall, infer_outputs, run_once, step_capacity
from convnet.symbolic import Node, Operation, any_symbolic
from convnet.tracing import GraphTensor, Trace, current_trace
from convnet.variables import Variable

# Keras's modules, which name the op in a saved model.
NUMPY = "keras.src.ops.numpy"
NN = "keras.src.ops.nn"
CORE = "keras.src.ops.core"
MATH = "keras.src.ops.math"

OPERATIONS: dict[str, type[OpNode]] = {}


class OpNode(Operation):
    """An op in a functional model; there is one subclass for each op, named as in Keras.

    Args:
        name: Name of the node.
        **attributes: The op's arguments that are not given at the call.

    Raises:
        TypeError: if the op has no such attribute, or needs one that is missing.
    """

    signature: OpSignature
    keras_module: str

    def __init__(self, *, name: str | None = None, **attributes: Any) -> None:
        super().__init__(name=name)
        self.attributes = {**self.signature.defaults, **attributes}
        for key, value in self.attributes.items():
            if key not in self.signature.defaults or value is inspect.Parameter.empty:
                problem = "needs" if key in self.signature.defaults else "does not have"
                raise TypeError(f"{type(self).__name__} {problem} the argument `{key}`.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the op to tensors of one kind."""
        operands, _ = self.signature.split(args, kwargs)
        if not any_symbolic(operands):
            trace = _trace_of(operands)
            scope = nullcontext() if trace is None else trace.labelled(self.name, self._bfloat16)
            with scope:
                return self.signature.apply(operands, self.attributes)
        outputs = infer_outputs(self.__call__, args, kwargs)
        if _is_bfloat16(operands, self.attributes):
            for tensor in tree.flatten(outputs):
                tensor.dtype = "bfloat16" if tensor.dtype == "float32" else tensor.dtype
        Node(self, args, kwargs, outputs)
        return outputs

    @property
    def _bfloat16(self) -> bool | None:
        """Whether it computes with bfloat16 in a functional model; None if it is part of none."""
        nodes = self._inbound_nodes
        return any(t.dtype == "bfloat16" for t in nodes[0].outputs) if nodes else None

    def get_config(self) -> dict[str, Any]:
        """Name and attributes."""
        return {"name": self.name, **self.attributes}


class OpSignature:
    """The body of an op and what its parameters are.

    Args:
        function: The body.
        tensors: How many leading parameters are tensors or lists of them.
        static: How many of the next ones are given at the call, too, without being tensors.
        many: Whether the first parameter is a list of tensors.
        batched: Whether the first axis of the first parameter is always the batch.
    """

    def __init__(
        self, function: Callable[..., Any], tensors: int, static: int, many: bool, batched: bool
    ) -> None:
        self.function = function
        self.tensors = tensors
        self.many = many
        self.batched = batched
        self._bound = inspect.signature(function)
        parameters = list(self._bound.parameters.values())
        self._operands = [p.name for p in parameters[: tensors + static]]
        self.defaults = {p.name: p.default for p in parameters[tensors + static :]}

    def split(self, args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
        """The call arguments, in order, and the attributes."""
        named = self._bound.bind_partial(*args, **kwargs).arguments
        operands = [named.pop(name) for name in self._operands if name in named]
        return operands, named

    def apply(self, operands: list[Any], attributes: dict[str, Any]) -> Any:
        """Record in the operands' trace; without one, run at once on arrays."""
        trace = _trace_of(operands)
        if trace is not None:
            return self._record(trace, operands, attributes)
        if self.batched:
            return self._run_batched(np.asarray(operands[0]), operands[1:], attributes)
        return run_once(lambda trace: self._record(trace, operands, attributes))

    def _run_batched(self, x: np.ndarray, others: list[Any], attributes: dict[str, Any]) -> Any:
        def call(inputs: list[GraphTensor]) -> Any:
            return self._record(inputs[0].trace, [*inputs, *others], attributes)

        return PlannedCall(call, [x.shape[1:]], step_capacity(len(x)))([x])

    def _record(self, trace: Trace, operands: list[Any], attributes: dict[str, Any]) -> Any:
        tensors = operands[: self.tensors]
        if self.many:
            tensors = [[trace.tensor(x) for x in tensors[0]]]
        else:
            tensors = [None if x is None else trace.tensor(x) for x in tensors]
        return self.function(*tensors, *operands[self.tensors :], **attributes)


def _is_bfloat16(operands: list[Any], attributes: dict[str, Any]) -> bool:
    """Whether the result of an op is bfloat16 where it is no whole number: if that is asked for,
    or all operands are that have a type and are no whole numbers.
    """
    asked = attributes.get("dtype")
    if asked is not None:
        return standardize_dtype(asked) == "bfloat16"
    kinds = {standardize_dtype(x.dtype) for x in tree.walk(operands) if hasattr(x, "dtype")}
    return {kind for kind in kinds if "float" in kind} == {"bfloat16"}


def _trace_of(structure: Any) -> Trace | None:
    variables = False
    for leaf in tree.walk(structure):
        if isinstance(leaf, GraphTensor):
            return leaf.trace
        variables |= isinstance(leaf, Variable)
    return current_trace() if variables else None


def operation(
    module: str = NUMPY,
    tensors: int = 1,
    static: int = 0,
    many: bool = False,
    batched: bool = False,
) -> Callable[..., Any]:
    """Make an op of a function that records on graph tensors.

    Args:
        module: Keras's module of the op.
        tensors: How many leading parameters are tensors or lists of them.
        static: How many of the next ones belong to the call without being tensors; all further
            ones are attributes.
        many: Whether the first parameter is a list of tensors.
        batched: Whether the first axis of the first parameter is always the batch.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        signature = OpSignature(function, tensors, static, many, batched)
        class_name = "".join(word.capitalize() for word in function.__name__.split("_"))
        members = {"signature": signature, "keras_module": module, "__doc__": function.__doc__}
        node_class = type(class_name, (OpNode,), members)
        OPERATIONS[class_name] = node_class

        @functools.wraps(function)
        def op(*args: Any, **kwargs: Any) -> Any:
            operands, attributes = signature.split(args, kwargs)
            if any_symbolic(operands):
                return node_class(**attributes)(*operands)
            return signature.apply(operands, attributes)

        return op

    return decorate
