"""Focal cross-entropies, which weigh down what is predicted well (Lin et al., ICCV 2017)."""

from typing import Any

from convnet import config, ops
from convnet.losses.crossentropy import smoothed
from convnet.losses.loss import NamedLoss
from convnet.losses.shapes import loss_function


@loss_function
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Binary cross-entropy times `(1 - p) ** gamma`, p the probability given to the target.

    Args:
        y_true: 0 or 1.
        y_pred: Predicted probabilities or logits.
        apply_class_balancing: Whether to weigh ones by `alpha` and zeros by `1 - alpha`.
        alpha: Weight of ones.
        gamma: How much what is predicted well is weighed down.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Share of the target replaced by 0.5, 0 to 1.
        axis: Axis of the mean.

    Example:

    >>> round(float(binary_focal_crossentropy([[1.0]], [[0.5]])[0]), 4)
    0.1733
    """
    y_true = smoothed(y_true, label_smoothing, 2)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    hit, miss = ops.multiply(y_true, y_pred), ops.multiply(1.0 - y_true, 1.0 - y_pred)
    factor = ops.power(1.0 - (hit + miss), float(gamma))
    losses = ops.multiply(factor, ops.binary_crossentropy(y_true, y_pred))
    if apply_class_balancing:
        losses = losses * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(losses, axis=axis)


@loss_function
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """`-sum(alpha * (1 - y_pred) ** gamma * y_true * log(y_pred), axis)`.

    Args:
        y_true: Classes, one-hot or as probabilities.
        y_pred: Predicted probabilities or logits.
        alpha: Factor of the loss.
        gamma: How much what is predicted well is weighed down.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Share of the target spread over all classes, 0 to 1.
        axis: Axis of the classes.

    Example:

    >>> round(float(categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
    0.0433
    """
    y_true = smoothed(y_true, label_smoothing, y_true.shape[-1])
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = ops.divide(y_pred, ops.sum(y_pred, axis=axis, keepdims=True))
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    factor = ops.power(1.0 - p, float(gamma)) * alpha
    return ops.negative(ops.sum(factor * y_true * ops.log(p), axis=axis))


class BinaryFocalCrossentropy(NamedLoss):
    """Focal cross-entropy of yes and no; see `binary_focal_crossentropy`.

    Args:
        apply_class_balancing: Whether to weigh ones by `alpha` and zeros by `1 - alpha`.
        alpha: Weight of ones.
        gamma: How much what is predicted well is weighed down.
        from_logits: Whether predictions are logits.
        label_smoothing: Share of the target replaced by 0.5, 0 to 1.
        axis: Axis of the mean.
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> round(float(BinaryFocalCrossentropy()([[1.0]], [[0.5]])), 4)
    0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(NamedLoss):
    """Focal cross-entropy of one-hot classes; see `categorical_focal_crossentropy`.

    Args:
        alpha: Factor of the loss.
        gamma: How much what is predicted well is weighed down.
        from_logits: Whether predictions are logits.
        label_smoothing: Share of the target spread over all classes, 0 to 1.
        axis: Axis of the classes.
        reduction: See `Loss`.
        name: Name of the loss.
        dtype: See `Loss`.

    Example:

    >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.0433
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
