"""Shares of predictions that are right."""

from typing import Any

from convnet import ops
from convnet.losses.shapes import loss_function, squeeze_or_expand_to_same_rank
from convnet.metrics.reduction import NamedMetric, PlainMetric


@loss_function
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where predictions equal targets, else 0.

    Args:
        y_true: Targets.
        y_pred: Predictions, of the same shape.

    Example:

    >>> accuracy([1.0, 2.0], [1.0, 3.0]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), "float32")


@loss_function
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where a probability is on the target's side of the threshold, else 0.

    Args:
        y_true: 0 or 1.
        y_pred: Probabilities of 1, of the same shape.
        threshold: What a probability must be above to mean 1.

    Example:

    >>> binary_accuracy([1.0, 0.0], [0.9, 0.6]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    predicted = ops.cast(ops.greater(y_pred, threshold), "float32")
    return ops.cast(ops.equal(y_true, predicted), "float32")


@loss_function
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the most probable class is the target's, else 0.

    Args:
        y_true: Classes, one-hot, `(batch, ..., classes)`.
        y_pred: Probabilities or logits, of the same shape.

    Example:

    >>> categorical_accuracy([[0.0, 1.0]], [[0.2, 0.8]]).tolist()
    [1.0]
    """
    matches = ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))
    return ops.cast(matches, "float32")


@loss_function
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the most probable class is the target, else 0.

    Args:
        y_true: Class numbers, `(batch, ...)`, with or without a last axis of size 1.
        y_pred: Probabilities or logits, `(batch, ..., classes)`.

    Example:

    >>> sparse_categorical_accuracy([1], [[0.2, 0.8]]).tolist()
    [1.0]
    """
    y_true = _without_last_axis(y_true, len(y_pred.shape))
    return ops.cast(ops.equal(y_true, ops.argmax(y_pred, axis=-1)), "float32")


@loss_function
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the target is among the k most probable classes, else 0.

    Args:
        y_true: Classes, one-hot, `(batch, ..., classes)`.
        y_pred: Probabilities or logits, of the same shape.
        k: How many classes are looked at.

    Example:

    >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.2, 0.3]], k=2).tolist()
    [1.0]
    """
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


@loss_function
def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """1 where the target is among the k most probable classes, else 0.

    Args:
        y_true: Class numbers, `(batch, ...)`, with or without a last axis of size 1.
        y_pred: Probabilities or logits, `(batch, ..., classes)`, or class numbers from the most
            probable on.
        k: How many classes are looked at.
        from_sorted_ids: Whether `y_pred` holds class numbers.

    Example:

    >>> sparse_top_k_categorical_accuracy([2], [[0.5, 0.2, 0.3]], k=2).tolist()
    [1.0]
    """
    y_true = _without_last_axis(y_true, len(y_pred.shape))
    if from_sorted_ids:
        matches = ops.equal(ops.expand_dims(y_true, -1), y_pred[..., :k])
        return ops.max(ops.cast(matches, "float32"), axis=-1)
    return _in_top_k(y_true, y_pred, k)


def _without_last_axis(y_true: Any, rank: int) -> Any:
    if len(y_true.shape) == rank and y_true.shape[-1] == 1:
        return ops.squeeze(y_true, -1)
    return y_true


def _in_top_k(classes: Any, scores: Any, k: int) -> Any:
    """A class is among the first k if fewer than k others score higher."""
    hot = ops.one_hot(classes, scores.shape[-1])
    score = ops.sum(ops.multiply(hot, scores), axis=-1, keepdims=True)
    better = ops.sum(ops.cast(ops.greater(scores, score), "float32"), axis=-1)
    return ops.cast(ops.less(better, float(k)), "float32")


class Accuracy(PlainMetric):
    """Share of predictions equal to the target; see `accuracy`.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(Accuracy()([1.0, 2.0], [1.0, 3.0]))
    0.5
    """

    _direction = "up"
    function = staticmethod(accuracy)


class BinaryAccuracy(NamedMetric):
    """Share of probabilities on the right side of a threshold; see `binary_accuracy`.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.
        threshold: What a probability must be above to mean 1.

    Example:

    >>> float(BinaryAccuracy()([1.0, 0.0], [0.9, 0.6]))
    0.5
    """

    _direction = "up"

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: Any = None,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


class CategoricalAccuracy(PlainMetric):
    """Share of one-hot classes predicted right; see `categorical_accuracy`.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(CategoricalAccuracy()([[0.0, 1.0]], [[0.2, 0.8]]))
    1.0
    """

    _direction = "up"
    function = staticmethod(categorical_accuracy)


class SparseCategoricalAccuracy(PlainMetric):
    """Share of numbered classes predicted right; see `sparse_categorical_accuracy`.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(SparseCategoricalAccuracy()([1], [[0.2, 0.8]]))
    1.0
    """

    _direction = "up"
    function = staticmethod(sparse_categorical_accuracy)


class TopKCategoricalAccuracy(NamedMetric):
    """Share of one-hot classes among the k most probable; see `top_k_categorical_accuracy`.

    Args:
        k: How many classes are looked at.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.5, 0.2, 0.3]]))
    1.0
    """

    _direction = "up"

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(NamedMetric):
    """Share of numbered classes among the k most probable.

    See `sparse_top_k_categorical_accuracy`.

    Args:
        k: How many classes are looked at.
        name: Name of the metric.
        dtype: See `Metric`.
        from_sorted_ids: Whether predictions are class numbers, from the most probable on.

    Example:

    >>> float(SparseTopKCategoricalAccuracy(k=2)([2], [[0.5, 0.2, 0.3]]))
    1.0
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        arguments = {"from_sorted_ids": True} if from_sorted_ids else {}
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, **arguments)
        self.k = k
        self.from_sorted_ids = from_sorted_ids
