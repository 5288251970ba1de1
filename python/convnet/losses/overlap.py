"""Losses of overlapping regions, for segmentation."""

from collections.abc import Sequence
from typing import Any

from convnet import config, ops
from convnet.losses.loss import NamedLoss
from convnet.losses.shapes import loss_function

Axis = int | Sequence[int] | None


@loss_function
def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Any:
    """`1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + 1e-7)`.

    Args:
        y_true: Regions, 0 or 1.
        y_pred: Predictions, of the same shape.
        axis: Axes of the sums, all by default.

    Example:

    >>> round(float(dice([[1.0, 0.0]], [[1.0, 0.0]])), 4)
    0.0
    """
    both = ops.sum(ops.multiply(y_true, y_pred), axis=axis) * 2.0
    either = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return ops.subtract(1.0, ops.divide(both, either + config.epsilon()))


@loss_function
def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Any:
    """Dice loss that weighs the two kinds of error (Salehi et al., arXiv:1706.05721).

    Args:
        y_true: Regions, 0 or 1.
        y_pred: Predictions, of the same shape.
        alpha: Weight of what is missed.
        beta: Weight of what is predicted too much.
        axis: Axes of the sums, all by default.

    Example:

    >>> round(float(tversky([[1.0, 0.0]], [[1.0, 0.0]])), 4)
    0.0
    """
    both = ops.sum(ops.multiply(y_true, y_pred), axis=axis)
    missed = ops.sum(ops.multiply(y_true, ops.subtract(1.0, y_pred)), axis=axis)
    extra = ops.sum(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=axis)
    share = ops.divide(both, both + missed * alpha + extra * beta + config.epsilon())
    return ops.subtract(1.0, share)


class Dice(NamedLoss):
    """Share of regions that do not overlap; see `dice`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        axis: Axes of the sums, all by default.
        dtype: See `Loss`.

    Example:

    >>> round(float(Dice()([[1.0, 0.0]], [[1.0, 0.0]])), 4)
    0.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(NamedLoss):
    """Share of regions that do not overlap, by kind of error; see `tversky`.

    Args:
        alpha: Weight of what is missed.
        beta: Weight of what is predicted too much.
        reduction: See `Loss`.
        name: Name of the loss.
        axis: Axes of the sums, all by default.
        dtype: See `Loss`.

    Example:

    >>> round(float(Tversky()([[1.0, 0.0]], [[1.0, 0.0]])), 4)
    0.0
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
