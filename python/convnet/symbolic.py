"""The functional API's graph of layers: symbolic tensors, operations and the nodes joining them."""

from __future__ import annotations

import functools
import inspect
from typing import Any, NamedTuple

from convnet import tree
from convnet.dtype_policies import standardize_dtype
from convnet.naming import auto_name
from convnet.operators import TensorOperators

Shape = tuple[int | None, ...]


class KerasHistory(NamedTuple):
    """Where a symbolic tensor comes from: output `tensor_index` of call `node_index`."""

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor(TensorOperators):
    """A tensor without values: what layers are called on to build a functional model.

    Args:
        shape: Shape with the batch axis; None for sizes not known.
        dtype: Data type name.
        name: Name, `"keras_tensor"` with a number by default.
        batched: Whether the first axis is the batch.

    >>> KerasTensor((None, 3)).shape
    (None, 3)
    """

    sparse = False
    ragged = False

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        name: str | None = None,
        batched: bool = True,
    ) -> None:
        self.shape: Shape = tuple(shape)
        self.dtype = standardize_dtype(dtype)
        self.name = name or auto_name(type(self).__name__)
        self.batched = batched
        self._keras_mask: KerasTensor | None = None
        self._keras_history = KerasHistory(None, 0, 0)

    @property
    def ndim(self) -> int:
        """Number of axes, counting the batch."""
        return len(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise ValueError(
            "A KerasTensor is symbolic: it's a placeholder for a shape and a dtype. It doesn't "
            "have any actual numerical value. You cannot convert it to a NumPy array."
        )

    def __repr__(self) -> str:
        return (
            f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, "
            f"name={self.name}>"
        )


def any_symbolic(*structures: Any) -> bool:
    """Whether a KerasTensor is among the leaves."""
    return any(isinstance(leaf, KerasTensor) for leaf in tree.walk(structures))


class Node:
    """One call of an operation on symbolic tensors.

    Making a node appends it to the operation's inbound nodes, to the outbound nodes of the
    operations it reads from, and gives the outputs their history.

    Args:
        operation: The operation that was called.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.
        outputs: The structure of symbolic tensors that it returned.
    """

    def __init__(self, operation: Operation, args: Any, kwargs: Any, outputs: Any) -> None:
        self.operation = operation
        self.args = tuple(args)
        self.kwargs = dict(kwargs)
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        leaves = tree.flatten((self.args, self.kwargs))
        self.input_tensors = [leaf for leaf in leaves if isinstance(leaf, KerasTensor)]
        for parent in self.parent_nodes:
            parent.operation._outbound_nodes.append(self)
        operation._inbound_nodes.append(self)
        index = len(operation._inbound_nodes) - 1
        for i, tensor in enumerate(self.outputs):
            tensor._keras_history = KerasHistory(operation, index, i)

    @property
    def is_input(self) -> bool:
        """Whether this is the node of an input layer."""
        return not self.input_tensors

    @property
    def output_tensors(self) -> list[KerasTensor]:
        """The tensors that the call returned, in order."""
        return self.outputs

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes whose outputs this one reads."""
        histories = [tensor._keras_history for tensor in self.input_tensors]
        return [h.operation._inbound_nodes[h.node_index] for h in histories if h.operation]

    def fill_in(self, values: dict[int, Any]) -> tuple[Any, Any]:
        """The call's arguments with each symbolic tensor replaced by `values[id(tensor)]`."""

        def value(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        args, kwargs = tree.map_structure(value, (self.args, self.kwargs))
        return args, kwargs

    def __repr__(self) -> str:
        return f"<Node operation={self.operation.name}>"


class Operation:
    """A named step of a functional model: a layer, or an op such as `multiply`.

    Args:
        name: Unique name; made from the class name by default.

    Raises:
        ValueError: if the name is no string or contains a slash.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        object.__setattr__(instance, "_remake", functools.partial(cls, *args, **kwargs))
        return instance

    def __init__(self, name: str | None = None) -> None:
        name = auto_name(type(self).__name__) if name is None else name
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                "Argument `name` must be a string and cannot contain character `/`. "
                f"Received: name={name} (of type {type(name)})"
            )
        self.name = name
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    @property
    def input(self) -> Any:
        """The symbolic input or inputs of the first call."""
        return self._first_call("input_tensors", "input")

    @property
    def output(self) -> Any:
        """The symbolic output or outputs of the first call."""
        return self._first_call("output_tensors", "output")

    def _first_call(self, attribute: str, what: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {what}."
            )
        tensors = getattr(self._inbound_nodes[0], attribute)
        return tensors[0] if len(tensors) == 1 else tensors

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object.

        Where a class does not define its own, they are taken from the constructor's arguments if
        those are plain values.

        Raises:
            NotImplementedError: if they are not.
        """
        return {"name": self.name, **self._plain_init_arguments({"name"})}

    def _plain_init_arguments(self, known: set[str]) -> dict[str, Any]:
        """The constructor's arguments but the known ones.

        Raises:
            NotImplementedError: if a value is not plain.
        """
        made: functools.partial[Any] = self._remake  # type: ignore[attr-defined]
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind(self, *made.args, **made.keywords)
        bound.apply_defaults()
        config: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            kind = signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                config.update(value)
            elif kind is inspect.Parameter.VAR_POSITIONAL and not value:
                continue
            else:
                config[name] = value
        config = {name: value for name, value in config.items() if name not in known}
        plain = (str, int, float, bool, type(None))
        if not all(isinstance(leaf, plain) for leaf in tree.walk(config)):
            raise NotImplementedError(
                f"Object {type(self).__name__} was created by passing non-serializable argument "
                "values in `__init__()`, and therefore the object must override `get_config()` in "
                "order to be serializable. Please implement `get_config()`."
            )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An object made from what `get_config` returned.

        Raises:
            TypeError: if the constructor refuses the config.
        """
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"Error when deserializing class '{cls.__name__}' using config={config}.\n\n"
                f"Exception encountered: {error}"
            ) from error
