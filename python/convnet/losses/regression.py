"""Losses of numbers: squared, absolute, relative and robust errors."""

import math
from typing import Any

from convnet import config, ops
from convnet.losses.loss import NamedLoss, PlainLoss
from convnet.losses.shapes import loss_function, squeeze_or_expand_to_same_rank


@loss_function
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """`mean(square(y_true - y_pred), axis=-1)`.

    Args:
        y_true: Targets, `(batch, ..., d)`.
        y_pred: Predictions, of the same shape.

    Example:

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [2.5]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_true, y_pred)), axis=-1)


@loss_function
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """`mean(abs(y_true - y_pred), axis=-1)`.

    Args:
        y_true: Targets, `(batch, ..., d)`.
        y_pred: Predictions, of the same shape.

    Example:

    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return ops.mean(ops.abs(ops.subtract(y_true, y_pred)), axis=-1)


@loss_function
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """`100 * mean(abs((y_true - y_pred) / max(abs(y_true), 1e-7)), axis=-1)`.

    Args:
        y_true: Targets, `(batch, ..., d)`.
        y_pred: Predictions, of the same shape.

    Example:

    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 3.0]]).tolist()
    [37.5]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    size = ops.maximum(ops.abs(y_true), config.epsilon())
    ratio = ops.divide(ops.subtract(y_true, y_pred), size)
    return ops.multiply(ops.mean(ops.abs(ratio), axis=-1), 100.0)


@loss_function
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """`mean(square(log(y_true + 1) - log(y_pred + 1)), axis=-1)`, arguments at least 1e-7.

    Args:
        y_true: Targets, `(batch, ..., d)`.
        y_pred: Predictions, of the same shape.

    Example:

    >>> mean_squared_logarithmic_error([[0.0, 1.0]], [[0.0, 1.0]]).tolist()
    [0.0]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    first = ops.log(ops.add(ops.maximum(y_pred, config.epsilon()), 1.0))
    second = ops.log(ops.add(ops.maximum(y_true, config.epsilon()), 1.0))
    return ops.mean(ops.square(ops.subtract(first, second)), axis=-1)


@loss_function
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Half the squared error up to `delta`, growing like the absolute error beyond (Huber, 1964).

    Args:
        y_true: Targets, `(batch, ..., d)`.
        y_pred: Predictions, of the same shape.
        delta: Where the two meet.

    Example:

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    error = ops.abs(ops.subtract(y_pred, y_true))
    near = ops.multiply(ops.square(error), 0.5)
    far = ops.subtract(ops.multiply(error, delta), 0.5 * delta * delta)
    return ops.mean(ops.where(ops.less_equal(error, delta), near, far), axis=-1)


@loss_function
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """`mean(log(cosh(y_pred - y_true)), axis=-1)`.

    Args:
        y_true: Targets, `(batch, ..., d)`.
        y_pred: Predictions, of the same shape.

    Example:

    >>> round(float(log_cosh([[0.0]], [[1.0]])[0]), 4)
    0.4338
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    value = ops.add(error, ops.softplus(ops.multiply(error, -2.0)))
    return ops.mean(ops.subtract(value, math.log(2.0)), axis=-1)


@loss_function
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between targets and predictions.

    Args:
        y_true: Targets.
        y_pred: Predictions, of the same shape.
        axis: Axis of the vectors.

    Example:

    >>> cosine_similarity([[0.0, 2.0]], [[0.0, 5.0]]).tolist()
    [-1.0]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    product = ops.multiply(normalized(y_true, axis), normalized(y_pred, axis))
    return ops.negative(ops.sum(product, axis=axis))


def normalized(x: Any, axis: int) -> Any:
    """Scales vectors to length 1; zero stays zero.

    Args:
        x: Tensor.
        axis: Axis of the vectors.
    """
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.divide(x, ops.sqrt(ops.maximum(squares, config.epsilon() ** 2)))


class MeanSquaredError(PlainLoss):
    """Mean of squares of errors; see `mean_squared_error`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]]))
    2.5
    """

    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(PlainLoss):
    """Mean of absolute errors; see `mean_absolute_error`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 3.0]]))
    1.5
    """

    function = staticmethod(mean_absolute_error)


class MeanAbsolutePercentageError(PlainLoss):
    """Mean of relative errors in percent; see `mean_absolute_percentage_error`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 3.0]]))
    37.5
    """

    function = staticmethod(mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(PlainLoss):
    """Mean of squares of errors of logarithms; see `mean_squared_logarithmic_error`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(MeanSquaredLogarithmicError()([[0.0, 1.0]], [[0.0, 1.0]]))
    0.0
    """

    function = staticmethod(mean_squared_logarithmic_error)


class Huber(NamedLoss):
    """Squared error near, absolute error far; see `huber`.

    Args:
        delta: Where the two meet.
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(Huber()([[0.0, 0.0]], [[1.0, 3.0]]))
    1.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(PlainLoss):
    """Logarithm of the hyperbolic cosine of errors; see `log_cosh`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> round(float(LogCosh()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    function = staticmethod(log_cosh)


class CosineSimilarity(NamedLoss):
    """Minus the cosine of the angle between targets and predictions; see `cosine_similarity`.

    Args:
        axis: Axis of the vectors.
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(CosineSimilarity()([[0.0, 2.0]], [[0.0, 5.0]]))
    -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
