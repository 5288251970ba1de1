"""Initializers that draw nothing."""

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from convnet.initializers.initializer import Initializer
from convnet.random import Shape


class Constant(Initializer):
    """Fills with one value.

    Args:
        value: A scalar, or an array that broadcasts to the weight's shape.

    Example:

    >>> Constant(3.0)((2, 2)).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """

    def __init__(self, value: ArrayLike = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.array(np.broadcast_to(self.value, tuple(shape)), dtype=dtype or np.float32)

    def filler(self, shape: Shape) -> Callable[[NDArray[np.float32]], None] | None:
        return partial(np.copyto, src=self.value) if np.ndim(self.value) == 0 else None

    def get_config(self) -> dict[str, Any]:
        if np.ndim(self.value) == 0:
            return {"value": self.value}
        from convnet.saving import serialization

        return {"value": serialization.serialize_keras_object(np.asarray(self.value))}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        value = config.get("value", 0.0)
        if isinstance(value, dict):
            from convnet.saving import serialization

            value = serialization.deserialize_keras_object(value)
        return cls(value)


class Zeros(Initializer):
    """Fills with zeros.

    Example:

    >>> Zeros()((3,)).tolist()
    [0.0, 0.0, 0.0]
    """

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.zeros(tuple(shape), dtype=dtype or np.float32)


class Ones(Initializer):
    """Fills with ones.

    Example:

    >>> Ones()((3,)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        return np.ones(tuple(shape), dtype=dtype or np.float32)


class Identity(Initializer):
    """Gives the identity matrix.

    Args:
        gain: Factor of the matrix.

    Raises:
        ValueError: On a call with a shape that is not 2D.

    Example:

    >>> Identity(gain=2.0)((2, 3)).tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        if len(shape) != 2:
            raise ValueError(
                "Identity matrix initializer can only be used for 2D matrices. "
                f"Received: shape={shape} of rank {len(shape)}."
            )
        return np.asarray(self.gain * np.eye(shape[0], shape[1]), dtype=dtype or np.float32)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}
