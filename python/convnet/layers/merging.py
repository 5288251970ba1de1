"""Layers that make one tensor of several."""

from __future__ import annotations

import functools
from typing import Any

from convnet import ops
from convnet.layers.layer import Layer


class Merge(Layer):
    """Joins a list of tensors element by element; shapes are broadcast."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check that the shapes can be broadcast."""
        _check_list(input_shape, "input_shape", "shapes")
        functools.reduce(_broadcast, [tuple(shape[1:]) for shape in input_shape])

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                "A merge layer should be called on a list of inputs. "
                f"Received: inputs={inputs} (not a list of tensors)"
            )
        rank = max(x.ndim for x in inputs)
        return self._merge([_with_rank(x, rank) for x in inputs])

    def _merge(self, inputs: list[Any]) -> Any:
        raise NotImplementedError

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Steps that one input has, where all inputs have masks."""
        if mask is None:
            return None
        _check_masks(inputs, mask)
        return None if any(m is None for m in mask) else functools.reduce(ops.logical_or, mask)


def _check_list(shapes: Any, name: str, what: str) -> None:
    if not shapes or not isinstance(shapes[0], (list, tuple)):
        raise ValueError(
            "A merge layer should be called on a list of inputs. "
            f"Received: {name}={shapes} (not a list of {what})"
        )
    batches = {shape[0] for shape in shapes} - {None}
    if len(batches) > 1:
        raise ValueError(
            "Cannot merge tensors with different batch sizes. "
            f"Received tensors with shapes {shapes}"
        )


def _check_masks(inputs: Any, mask: Any) -> None:
    if not isinstance(mask, (list, tuple)):
        raise ValueError(f"`mask` should be a list. Received: mask={mask}")
    if not isinstance(inputs, (list, tuple)) or len(mask) != len(inputs):
        raise ValueError(
            "The lists `inputs` and `mask` should have the same length. "
            f"Received: inputs={inputs}, mask={mask}"
        )


def _broadcast(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(first) < len(second):
        first, second = second, first
    sizes = list(first[: len(first) - len(second)])
    for a, b in zip(first[len(sizes) :], second, strict=True):
        if a is None or b is None:
            sizes.append(None)
        elif a != b and 1 not in (a, b):
            raise ValueError(
                f"Inputs have incompatible shapes. Received shapes {first} and {second}"
            )
        else:
            sizes.append(max(a, b))
    return tuple(sizes)


def _with_rank(x: Any, rank: int) -> Any:
    return ops.expand_dims(x, tuple(range(1, 1 + rank - x.ndim))) if x.ndim < rank else x


class Add(Merge):
    """The sum of its inputs.

    Args:
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Add()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
    [[2.0, 2.0]]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.add, inputs)


class Subtract(Merge):
    """The difference of two inputs.

    Args:
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Subtract()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
    [[0.0, 0.0]]
    """

    def build(self, input_shape: Any) -> None:
        """Check that there are two shapes that can be broadcast."""
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                "A `Subtract` layer should be called on exactly 2 inputs. "
                f"Received: input_shape={input_shape}"
            )

    def _merge(self, inputs: list[Any]) -> Any:
        return ops.subtract(*inputs)


class Multiply(Merge):
    """The product of its inputs.

    Args:
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Multiply()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
    [[1.0, 1.0]]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.multiply, inputs)


class Average(Merge):
    """The mean of its inputs.

    Args:
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Average()([np.ones((1, 2)), np.zeros((1, 2))]).tolist()
    [[0.5, 0.5]]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.add, inputs) / float(len(inputs))


class Maximum(Merge):
    """The largest of its inputs, element by element.

    Args:
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Maximum()([np.ones((1, 2)), np.zeros((1, 2))]).tolist()
    [[1.0, 1.0]]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.maximum, inputs)


class Minimum(Merge):
    """The smallest of its inputs, element by element.

    Args:
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Minimum()([np.ones((1, 2)), np.zeros((1, 2))]).tolist()
    [[0.0, 0.0]]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.minimum, inputs)


class Concatenate(Merge):
    """Its inputs joined along an axis.

    Args:
        axis: The axis, counting the batch.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Concatenate()([np.ones((1, 2)), np.ones((1, 3))]).shape
    (1, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(axis=axis)

    def build(self, input_shape: Any) -> None:
        """Check that the shapes agree in all axes but one."""
        if not input_shape or not isinstance(input_shape[0], (list, tuple)):
            raise ValueError(
                "A `Concatenate` layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape}"
            )
        rest = []
        for shape in input_shape:
            sizes = list(shape)
            del sizes[self.axis]
            rest.append(sizes)
        same_rank = len({len(sizes) for sizes in rest}) == 1
        if not same_rank or any(len(set(axis) - {None}) > 1 for axis in zip(*rest, strict=True)):
            raise ValueError(
                "A `Concatenate` layer requires inputs with matching shapes except for the "
                f"concatenation axis. Received: input_shape={input_shape}"
            )

    def _merge(self, inputs: list[Any]) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks of the inputs joined in the same way; an input without one has all steps."""
        if mask is None:
            return None
        _check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        whole = [_whole_mask(x, m) for x, m in zip(inputs, mask, strict=True)]
        return ops.any(ops.concatenate(whole, axis=self.axis), axis=-1)


def _whole_mask(x: Any, mask: Any) -> Any:
    if mask is None:
        return ops.ones_like(x, dtype="bool")
    if mask.ndim < x.ndim:
        return ops.logical_or(ops.expand_dims(mask, -1), ops.zeros_like(x, dtype="bool"))
    return mask


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of tensors; the same as `Add(**kwargs)(inputs)`.

    Args:
        inputs: List of tensors.
        **kwargs: Arguments of `Add`.
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The difference of two tensors; the same as `Subtract(**kwargs)(inputs)`.

    Args:
        inputs: List of tensors.
        **kwargs: Arguments of `Subtract`.
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of tensors; the same as `Multiply(**kwargs)(inputs)`.

    Args:
        inputs: List of tensors.
        **kwargs: Arguments of `Multiply`.
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of tensors; the same as `Average(**kwargs)(inputs)`.

    Args:
        inputs: List of tensors.
        **kwargs: Arguments of `Average`.
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of tensors, element by element; the same as `Maximum(**kwargs)(inputs)`.

    Args:
        inputs: List of tensors.
        **kwargs: Arguments of `Maximum`.
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of tensors, element by element; the same as `Minimum(**kwargs)(inputs)`.

    Args:
        inputs: List of tensors.
        **kwargs: Arguments of `Minimum`.
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Tensors joined along an axis; the same as `Concatenate(axis, **kwargs)(inputs)`.

    Args:
        inputs: List of tensors.
        axis: The axis, counting the batch.
        **kwargs: Arguments of `Concatenate`.
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
