"""Constraints on the norm of a unit's weights, and on their sign.

In each, `axis` is the axis or axes that a norm runs over: 0 for a dense kernel `(inputs, units)`,
`[0, 1, 2]` for a convolution's kernel `(rows, columns, inputs, filters)`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convnet.constraints.constraint import CoreConstraint, as_weight

Axis = int | Sequence[int]
Weight = NDArray[np.float32]

_EPSILON = np.float32(1e-7)


def _norms(w: Weight, axis: Axis) -> Weight:
    axes = axis if isinstance(axis, int) else tuple(axis)
    norms: Weight = np.sqrt(np.sum(np.square(w), axis=axes, keepdims=True))
    return norms


class MaxNorm(CoreConstraint):
    """Scales units down to a norm of at most `max_value`.

    Args:
        max_value: Largest norm.
        axis: Axis or axes of one unit's weights.

    Example:

    >>> MaxNorm(1.0)([[3.0], [4.0]]).round(3).tolist()
    [[0.6000000238418579], [0.800000011920929]]
    """

    kind = "max_norm"

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis: Axis = axis

    def __call__(self, w: ArrayLike) -> Weight:
        w = as_weight(w)
        norms = _norms(w, self.axis)
        desired = np.clip(norms, np.float32(0), np.float32(self.max_value))
        return w * (desired / (_EPSILON + norms))

    def _numbers(self) -> dict[str, float]:
        return {"max_value": float(self.max_value)}

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class UnitNorm(CoreConstraint):
    """Scales units to norm 1.

    Args:
        axis: Axis or axes of one unit's weights.

    Example:

    >>> UnitNorm()([[3.0], [4.0]]).round(3).tolist()
    [[0.6000000238418579], [0.800000011920929]]
    """

    kind = "unit_norm"

    def __init__(self, axis: Axis = 0) -> None:
        self.axis: Axis = axis

    def __call__(self, w: ArrayLike) -> Weight:
        w = as_weight(w)
        return w / (_EPSILON + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(CoreConstraint):
    """Moves units' norms into an interval, by the share `rate` of the way each step.

    Args:
        min_value: Smallest norm.
        max_value: Largest norm.
        rate: 1 to be there after every step, less to get there gradually.
        axis: Axis or axes of one unit's weights.

    Example:

    >>> MinMaxNorm(1.0, 2.0)([[0.3], [0.4]]).round(3).tolist()
    [[0.6000000238418579], [0.800000011920929]]
    """

    kind = "min_max_norm"

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis: Axis = axis

    def __call__(self, w: ArrayLike) -> Weight:
        w = as_weight(w)
        norms = _norms(w, self.axis)
        bounded = np.clip(norms, np.float32(self.min_value), np.float32(self.max_value))
        desired: Weight = self.rate * bounded + (1 - self.rate) * norms
        return w * (desired / (_EPSILON + norms))

    def _numbers(self) -> dict[str, float]:
        return {
            "min_value": float(self.min_value),
            "max_value": float(self.max_value),
            "rate": float(self.rate),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


class NonNeg(CoreConstraint):
    """Sets negative weights to zero.

    Example:

    >>> NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    kind = "non_neg"

    def __call__(self, w: ArrayLike) -> Weight:
        projected: Weight = np.maximum(as_weight(w), np.float32(0))
        return projected
