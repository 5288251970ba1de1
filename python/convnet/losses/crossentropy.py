"""Cross-entropies of classes.

Probabilities that a softmax or a sigmoid gave in the same computation are not used: the loss is
computed from what went into it, which is exact for small probabilities and cheaper.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convnet import ops
from convnet.losses.logits import recover_logits
from convnet.losses.loss import NamedLoss
from convnet.losses.shapes import loss_function


@loss_function
def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """`-sum(y_true * log(y_pred), axis)`.

    Args:
        y_true: Classes, one-hot or as probabilities.
        y_pred: Predicted probabilities (scaled to sum 1 and clipped to [1e-7, 1 - 1e-7]) or logits.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Share of the target spread over all classes, 0 to 1.
        axis: Axis of the classes.

    Example:

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4).tolist()[0] > 0.69
    True
    """
    _check_axis(axis)
    if y_pred.shape[-1] == 1:
        warnings.warn(
            "In loss categorical_crossentropy, expected y_pred.shape to be (batch_size, "
            f"num_classes) with num_classes > 1. Received: y_pred.shape={y_pred.shape}. Consider "
            "using 'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=2,
        )
    y_true = smoothed(y_true, label_smoothing, y_true.shape[-1])
    y_pred, from_logits = recover_logits(y_pred, from_logits, "softmax", axis)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@loss_function
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """`-log(y_pred[y_true])`.

    Args:
        y_true: Class numbers, with or without a last axis of size 1.
        y_pred: Predicted probabilities (scaled to sum 1 and clipped to [1e-7, 1 - 1e-7]) or logits.
        from_logits: Whether `y_pred` holds logits.
        ignore_class: Class number whose loss is 0, for "unknown".
        axis: Axis of the classes.

    Example:

    >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]]).round(4).tolist()[0] > 0.69
    True
    """
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis)
    y_pred, from_logits = recover_logits(y_pred, from_logits, "softmax", axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    counts = ops.not_equal(y_true, float(ignore_class))
    losses = ops.sparse_categorical_crossentropy(
        ops.where(counts, y_true, 0.0), y_pred, from_logits=from_logits, axis=axis
    )
    return ops.where(counts, losses, 0.0)


@loss_function
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """`-mean(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred), axis)`.

    Args:
        y_true: 0 or 1, or probabilities of 1.
        y_pred: Predicted probabilities (clipped to [1e-7, 1 - 1e-7]) or logits.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Share of the target replaced by 0.5, 0 to 1.
        axis: Axis of the mean.

    Example:

    >>> binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4).tolist()[0] > 0.69
    True
    """
    y_true = smoothed(y_true, label_smoothing, 2)
    y_pred, from_logits = recover_logits(y_pred, from_logits, "sigmoid")
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(losses, axis=axis)


def smoothed(y_true: Any, share: float, classes: int) -> Any:
    """Spreads a share of a target evenly.

    Args:
        y_true: Target probabilities.
        share: The share, 0 to 1.
        classes: Number of classes that get a part.
    """
    if not share:
        return y_true
    return ops.add(ops.multiply(y_true, 1.0 - share), share / classes)


class CategoricalCrossentropy(NamedLoss):
    """Cross-entropy of one-hot classes; see `categorical_crossentropy`.

    Args:
        from_logits: Whether predictions are logits.
        label_smoothing: Share of the target spread over all classes, 0 to 1.
        axis: Axis of the classes.
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class SparseCategoricalCrossentropy(NamedLoss):
    """Cross-entropy of numbered classes; see `sparse_categorical_crossentropy`.

    Args:
        from_logits: Whether predictions are logits.
        ignore_class: Class number that does not count.
        reduction: See `Loss`.
        axis: Axis of the classes.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def mask(self, y_true: Any, y_pred: Any) -> Any:
        """Gives which targets are not `ignore_class`."""
        if self.ignore_class is None:
            return None
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[self.axis] == 1:
            y_true = ops.squeeze(y_true, self.axis)
        return ops.not_equal(y_true, float(self.ignore_class))

    def check_targets(self, y_true: NDArray[Any], output_shape: tuple[int | None, ...]) -> None:
        """Checks that targets are whole numbers from 0 to the number of classes.

        Raises:
            ValueError: If they are not; the message has the first that is not.
        """
        classes = output_shape[self.axis]
        counted = y_true if self.ignore_class is None else y_true[y_true != self.ignore_class]
        valid = (counted >= 0) & (counted < classes) & (counted == np.floor(counted))
        if not valid.all():
            raise ValueError(
                "Invalid value in argument `y`. Expected class numbers from 0 to "
                f"{classes} (excluded). Received: {counted[~valid].flat[0]}"
            )


class BinaryCrossentropy(NamedLoss):
    """Cross-entropy of yes and no; see `binary_crossentropy`.

    Args:
        from_logits: Whether predictions are logits.
        label_smoothing: Share of the target replaced by 0.5, 0 to 1.
        axis: Axis of the mean.
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> round(float(BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


def _check_axis(axis: Any) -> None:
    if isinstance(axis, bool):
        raise ValueError(
            f"`axis` must be of type `int`. Received: axis={axis} of type {type(axis)}"
        )
