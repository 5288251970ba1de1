"""What a layer expects of its inputs, and the check of it."""

from __future__ import annotations

from typing import Any

from convnet import tree
from convnet.dtype_policies import standardize_dtype


class InputSpec:
    """Rank, sizes and data type that one input of a layer must have.

    Args:
        dtype: Expected data type.
        shape: Expected shape with the batch; None for sizes that may be anything.
        ndim: Expected number of axes.
        max_ndim: Largest number of axes.
        min_ndim: Smallest number of axes.
        axes: Expected sizes by axis.
        allow_last_axis_squeeze: Whether a last axis of size 1 may be missing or added.
        name: Key of the input where a layer takes a dictionary.
        optional: Whether None may be passed.

    Raises:
        TypeError: if the keys of `axes` are no integers.
        ValueError: if `axes` names an axis beyond the rank.

    >>> InputSpec(ndim=4, axes={-1: 3})
    InputSpec(ndim=4, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (TypeError, ValueError):
            raise TypeError(
                f"Argument `axes` must be a dict with integer keys. Received: axes={axes}"
            ) from None
        limit = self.ndim or self.max_ndim
        if self.axes and limit and max(self.axes) > limit - 1:
            raise ValueError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: {limit - 1}"
            )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        parts = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name)]
        return f"InputSpec({', '.join(parts)})"


def check_inputs(specs: Any, inputs: Any, layer_name: str) -> None:
    """Compare the inputs of a layer with what it expects.

    Args:
        specs: One `InputSpec` or None, or a structure of them.
        inputs: The tensors in the same structure.
        layer_name: For the error message.

    Raises:
        ValueError: where an input does not match.
    """
    if not specs:
        return
    specs = tree.flatten(specs)
    inputs = _in_order(specs, inputs)
    if len(inputs) != len(specs):
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(inputs)} '
            f"input tensors. Inputs received: {inputs}"
        )
    for index, (x, spec) in enumerate(zip(inputs, specs, strict=True)):
        if spec is None or (x is None and spec.optional):
            continue
        if not hasattr(x, "shape"):
            raise ValueError(
                f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x)}) as input for "
                f"layer '{layer_name}'."
            )
        problem = _mismatch(spec, x)
        if problem:
            raise ValueError(
                f"Input {index} with name '{spec.name}' of layer '{layer_name}' is incompatible "
                f"with the layer: {problem}"
            )


def _in_order(specs: list[Any], inputs: Any) -> list[Any]:
    names = [spec.name for spec in specs if spec is not None]
    if not isinstance(inputs, dict) or len(names) < len(specs) or not all(names):
        return tree.flatten(inputs)
    for name in names:
        if name not in inputs:
            raise ValueError(
                f'Missing data for input "{name}". You passed a data dictionary with keys '
                f"{list(inputs.keys())}. Expected the following keys: {names}"
            )
    return [inputs[name] for name in names]


def _mismatch(spec: InputSpec, x: Any) -> str | None:
    shape = tuple(x.shape)
    ndim = len(shape)
    full = f"Full shape received: {shape}"
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and ndim != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={ndim}. {full}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={ndim}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={ndim}. {full}"
    if spec.dtype is not None and standardize_dtype(x.dtype) != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={standardize_dtype(x.dtype)}"
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            return (
                f"expected axis {axis} of input shape to have value {size}, "
                f"but received input with shape {shape}"
            )
    return _shape_mismatch(spec, shape)


def _shape_mismatch(spec: InputSpec, shape: tuple[int | None, ...]) -> str | None:
    if spec.shape is None:
        return None
    expected = spec.shape
    if spec.allow_last_axis_squeeze:
        shape = shape[:-1] if shape and shape[-1] == 1 else shape
        expected = expected[:-1] if expected and expected[-1] == 1 else expected
    for a, b in zip(expected, shape, strict=False):
        if a is not None and b is not None and a != b:
            return f"expected shape={spec.shape}, found shape={shape}"
    return None
