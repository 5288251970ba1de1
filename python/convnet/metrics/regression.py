"""Means of errors of numbers."""

from typing import Any

import numpy as np

from convnet import ops
from convnet.losses import regression as losses
from convnet.losses.shapes import loss_function, squeeze_or_expand_to_same_rank
from convnet.metrics.reduction import NamedMetric, PlainMetric


@loss_function
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between targets and predictions.

    Args:
        y_true: Targets.
        y_pred: Predictions, of the same shape.
        axis: Axis of the vectors.

    Example:

    >>> cosine_similarity([[0.0, 2.0]], [[0.0, 5.0]]).tolist()
    [1.0]
    """
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis))


@loss_function
def squared_error(y_true: Any, y_pred: Any) -> Any:
    """`square(y_true - y_pred)`.

    Args:
        y_true: Targets.
        y_pred: Predictions, of the same shape.

    Example:

    >>> squared_error([1.0, 2.0], [1.0, 5.0]).tolist()
    [0.0, 9.0]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return ops.square(ops.subtract(y_true, y_pred))


class MeanSquaredError(PlainMetric):
    """Mean of squares of errors.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]]))
    2.5
    """

    _direction = "down"
    function = staticmethod(losses.mean_squared_error)


class RootMeanSquaredError(PlainMetric):
    """Root of the mean of squares of errors.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(RootMeanSquaredError()([0.0, 0.0], [3.0, 3.0]))
    3.0
    """

    _direction = "down"
    function = staticmethod(squared_error)

    def result(self) -> np.float32:
        return np.float32(np.sqrt(super().result()))


class MeanAbsoluteError(PlainMetric):
    """Mean of absolute errors.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 3.0]]))
    1.5
    """

    _direction = "down"
    function = staticmethod(losses.mean_absolute_error)


class MeanAbsolutePercentageError(PlainMetric):
    """Mean of relative errors in percent.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 3.0]]))
    37.5
    """

    _direction = "down"
    function = staticmethod(losses.mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(PlainMetric):
    """Mean of squares of errors of logarithms.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(MeanSquaredLogarithmicError()([[0.0, 1.0]], [[0.0, 1.0]]))
    0.0
    """

    _direction = "down"
    function = staticmethod(losses.mean_squared_logarithmic_error)


class LogCoshError(NamedMetric):
    """Mean of logarithms of hyperbolic cosines of errors.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> round(float(LogCoshError()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


class CosineSimilarity(NamedMetric):
    """Mean cosine of the angle between targets and predictions.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.
        axis: Axis of the vectors.

    Example:

    >>> float(CosineSimilarity()([[0.0, 2.0]], [[0.0, 5.0]]))
    1.0
    """

    _direction = "up"

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)
