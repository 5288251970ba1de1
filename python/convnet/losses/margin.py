"""Losses with a margin."""

from typing import Any

from convnet import ops
from convnet.losses.loss import PlainLoss
from convnet.losses.shapes import loss_function


@loss_function
def hinge(y_true: Any, y_pred: Any) -> Any:
    """`mean(max(1 - y_true * y_pred, 0), axis=-1)`.

    Args:
        y_true: -1 or 1; 0 means -1.
        y_pred: Predictions, of the same shape.

    Example:

    >>> hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.0]
    """
    return ops.mean(_shortfall(y_true, y_pred), axis=-1)


@loss_function
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """`mean(square(max(1 - y_true * y_pred, 0)), axis=-1)`.

    Args:
        y_true: -1 or 1; 0 means -1.
        y_pred: Predictions, of the same shape.

    Example:

    >>> squared_hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.25]
    """
    return ops.mean(ops.square(_shortfall(y_true, y_pred)), axis=-1)


@loss_function
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """`max(neg - pos + 1, 0)`: pos the score of the class, neg the largest of the others.

    Args:
        y_true: Classes, one-hot.
        y_pred: Scores, of the same shape.

    Example:

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 0.25]]).tolist()
    [1.25]
    """
    pos = ops.sum(ops.multiply(y_true, y_pred), axis=-1)
    neg = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.maximum(ops.add(ops.subtract(neg, pos), 1.0), 0.0)


def _shortfall(y_true: Any, y_pred: Any) -> Any:
    # Keras looks whether all of the batch is 0 or 1; a loss must not depend on other samples.
    y_true = ops.where(ops.equal(y_true, 0.0), -1.0, y_true)
    return ops.maximum(ops.subtract(1.0, ops.multiply(y_true, y_pred)), 0.0)


class Hinge(PlainLoss):
    """Hinge loss of yes and no; see `hinge`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(Hinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.0
    """

    function = staticmethod(hinge)


class SquaredHinge(PlainLoss):
    """Square of the hinge loss of yes and no; see `squared_hinge`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(SquaredHinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.25
    """

    function = staticmethod(squared_hinge)


class CategoricalHinge(PlainLoss):
    """Hinge loss of classes; see `categorical_hinge`.

    Args:
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]]))
    1.25
    """

    function = staticmethod(categorical_hinge)
