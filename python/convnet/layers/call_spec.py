"""The arguments of one call of a layer: which are tensors, and of what shapes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from convnet import tree
from convnet.symbolic import KerasTensor
from convnet.tracing import GraphTensor
from convnet.variables import Variable

_TENSORS = (np.ndarray, GraphTensor, KerasTensor, Variable)


def is_tensor(x: Any) -> bool:
    """Whether `x` can be computed with: an array, a variable, a symbolic tensor or a traced one."""
    return isinstance(x, _TENSORS)


class CallSpec:
    """The arguments of a call, bound to the signature of `call`.

    Args:
        signature: Signature of `call`.
        args: Positional arguments.
        kwargs: Keyword arguments; `training` may be among them whether `call` takes it or not.

    Raises:
        TypeError: if they do not fit the signature.
        ValueError: if tensors and other values are mixed in one nested argument.

    Attributes:
        given: The arguments given by the caller.
        arguments: All arguments, with defaults.
        tensors: The arguments that are tensors or nested structures of them.
    """

    def __init__(self, signature: inspect.Signature, args: Any, kwargs: dict[str, Any]) -> None:
        extra = {}
        if "training" in kwargs and "training" not in signature.parameters:
            extra["training"] = kwargs.pop("training")
        bound = signature.bind(*args, **kwargs)
        self.given = {**extra, **bound.arguments}
        bound.apply_defaults()
        self.arguments = dict(bound.arguments)
        self.tensors = {
            name: value
            for name, value in self.arguments.items()
            if _is_tensor_argument(name, value)
        }

    @property
    def first(self) -> Any:
        """The first argument."""
        return next(iter(self.arguments.values()), None)

    @property
    def shapes(self) -> dict[str, Any]:
        """The shapes of the tensor arguments under the names that `build` takes: `x_shape`."""
        return {
            f"{name}_shape": tree.map_structure(
                lambda x: None if x is None else tuple(x.shape), value
            )
            for name, value in self.tensors.items()
            if name not in ("mask", "args", "kwargs")
        }

    def shapes_for(self, function: Callable[..., Any], class_name: str) -> dict[str, Any]:
        """The shapes that `build` or `compute_output_shape` takes, by argument name.

        A function of one argument gets the shape of the first tensor; one of several gets those
        whose names agree.

        Raises:
            ValueError: if a name does not end in `_shape` or names no argument of `call`.
        """
        names = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        shapes = self.shapes
        if len(names) == 1:
            return {names[0]: next(iter(shapes.values()), None)}
        for name in names:
            if not name.endswith("_shape") or name.removesuffix("_shape") not in self.arguments:
                method = function.__name__
                raise ValueError(
                    f"For a `{method}()` method with more than one argument, all arguments should "
                    "have a `_shape` suffix and match an argument from `call()`. E.g. "
                    f"`{method}(self, foo_shape, bar_shape)`. For layer '{class_name}', received "
                    f"`{method}()` argument `{name}`."
                )
        return {name: shapes[name] for name in names if name in shapes}


def _is_tensor_argument(name: str, value: Any) -> bool:
    if is_tensor(value):
        return True
    if not tree.is_nested(value) or not value:
        return False
    leaves = [is_tensor(leaf) for leaf in tree.flatten(value) if leaf is not None]
    if any(leaves) and not all(leaves):
        raise ValueError(
            "In a nested call() argument, you cannot mix tensors and non-tensors. "
            f"Received invalid mixed argument: {name}={value}"
        )
    return any(leaves)
