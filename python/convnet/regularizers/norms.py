"""Penalties on the size of weights."""

from typing import Any

from convnet import ops
from convnet.regularizers.regularizer import Regularizer, validate_factor


class L1(Regularizer):
    """Penalty `l1 * sum(abs(x))`.

    Args:
        l1: Factor, 0 or more.

    Raises:
        ValueError: If the factor is negative or not finite.

    Example:

    >>> import numpy as np
    >>> float(L1(0.5)(np.array([1.0, -3.0], "float32")))
    2.0
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = validate_factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Any:
        return ops.sum(ops.abs(x)) * self.l1

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """Penalty `l2 * sum(square(x))`.

    Args:
        l2: Factor, 0 or more.

    Raises:
        ValueError: If the factor is negative or not finite.

    Example:

    >>> import numpy as np
    >>> float(L2(0.5)(np.array([1.0, -3.0], "float32")))
    5.0
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = validate_factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        return ops.sum(ops.square(x)) * self.l2

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class L1L2(Regularizer):
    """Penalty `l1 * sum(abs(x)) + l2 * sum(square(x))`.

    Args:
        l1: Factor of the first term, 0 or more.
        l2: Factor of the second term, 0 or more.

    Raises:
        ValueError: If a factor is negative or not finite.

    Example:

    >>> import numpy as np
    >>> float(L1L2(0.5, 0.5)(np.array([1.0, -3.0], "float32")))
    7.0
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = validate_factor(0.0 if l1 is None else l1, "l1")
        self.l2 = validate_factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        if self.l1 == 0.0:
            return ops.sum(ops.square(x)) * self.l2
        penalty = ops.sum(ops.abs(x)) * self.l1
        return penalty + ops.sum(ops.square(x)) * self.l2 if self.l2 else penalty

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}
