"""What every regularizer has in common."""

import math
from typing import Any, Self


class Regularizer:
    """Base of all regularizers: `__call__(x)` gives the penalty that a weight adds to the loss.

    A subclass computes it with `convnet.ops`, and overrides `get_config` to be saved with a model.

    Example:

    >>> from convnet import ops
    >>> class Largest(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.max(ops.abs(x))
    >>> import numpy as np
    >>> float(Largest()(np.array([1.0, -3.0], "float32")))
    3.0
    """

    def __call__(self, x: Any) -> Any:
        """Gives the penalty, a scalar.

        Args:
            x: A weight or an activation, of any shape.
        """
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Builds a regularizer from `get_config`'s dict."""
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the regularizer, ready for JSON."""
        raise NotImplementedError(f"{self} does not implement get_config()")


def validate_factor(value: Any, name: str) -> float:
    """Gives `value` as a float.

    Args:
        value: A factor of a penalty.
        name: Name of the argument, for the error.

    Raises:
        ValueError: If it is not a finite number of zero or more.
    """
    if not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
        raise ValueError(
            f"Invalid value for argument {name}: expected a non-negative float. "
            f"Received: {name}={value}"
        )
    return float(value)
