"""Counts of true and false positives and negatives over a row of thresholds."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convnet import config
from convnet.losses.shapes import squeeze_or_expand_to_same_rank, with_rank

Array = NDArray[np.float64]

# What a probability that is not among the first k counts as, and the threshold that lets it in.
NEGATIVE_INFINITY = -1e10


class Counts(NamedTuple):
    """Weighted counts, `(thresholds,)` or `(thresholds, labels)`."""

    true_positives: Array
    false_positives: Array
    true_negatives: Array
    false_negatives: Array


def parse_thresholds(thresholds: float | Iterable[float] | None, default: float) -> list[float]:
    """Gives thresholds as a list.

    Args:
        thresholds: One, several or None.
        default: The one to use for None.

    Raises:
        ValueError: If a threshold is not between 0 and 1.
    """
    if thresholds is None:
        return [default]
    values = [float(t) for t in np.atleast_1d(np.asarray(thresholds, dtype=np.float64))]
    invalid = [t for t in values if not 0 <= t <= 1]
    if invalid:
        raise ValueError(f"Threshold values must be in range [0, 1]. Received: {invalid}")
    return values


def count(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    thresholds: Sequence[float],
    sample_weight: ArrayLike | None = None,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: ArrayLike | None = None,
    multi_label: bool = False,
) -> Counts:
    """Counts what is above each threshold and what is not, by target.

    Args:
        y_true: 0 or other than 0.
        y_pred: Scores, of the same shape.
        thresholds: What a score must be above to be positive.
        sample_weight: Weights, `(batch,)` or with more axes, or None.
        top_k: How many of the highest scores of a sample may be positive, or None.
        class_id: The one index of the last axis to look at, or None.
        label_weights: Weights of the indices of the last axis, or None.
        multi_label: Whether to count each index of the last axis by itself.

    Raises:
        ValueError: If shapes do not match.
    """
    scores, truth = squeeze_or_expand_to_same_rank(
        np.asarray(y_pred, dtype=np.float32), np.asarray(y_true, dtype=np.float32)
    )
    if scores.shape != truth.shape:
        raise ValueError(
            "Arguments `y_true` and `y_pred` must have the same shape. Received: "
            f"y_true.shape={truth.shape}, y_pred.shape={scores.shape}"
        )
    weights = _weights(scores.shape, sample_weight, label_weights)
    if top_k is not None:
        scores = _first_k(scores, top_k)
    if class_id is not None:
        scores, truth, weights = (x[..., class_id] for x in (scores, truth, weights))
    if not multi_label:
        return _count(scores.ravel(), truth.ravel() != 0, weights.ravel(), thresholds)
    labels = [
        _count(scores[:, i], truth[:, i] != 0, weights[:, i], thresholds)
        for i in range(scores.shape[1])
    ]
    return Counts(*(np.stack(columns, axis=1) for columns in zip(*labels, strict=True)))


def _weights(
    shape: tuple[int, ...], sample_weight: ArrayLike | None, label_weights: ArrayLike | None
) -> Array:
    weights = np.ones(shape)
    if sample_weight is not None:
        given = np.asarray(sample_weight, dtype=np.float64)
        if given.ndim == len(shape) + 1 and given.shape[-1] == 1:
            given = given[..., 0]
        weights = weights * with_rank(given, len(shape))
    if label_weights is not None:
        weights = weights * np.asarray(label_weights, dtype=np.float64)
    return weights


def _first_k(scores: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    order = np.argsort(-scores, axis=-1, kind="stable")[..., :k]
    filtered = np.full_like(scores, NEGATIVE_INFINITY)
    np.put_along_axis(filtered, order, np.take_along_axis(scores, order, axis=-1), axis=-1)
    return filtered


def _count(
    scores: NDArray[np.float32],
    positive: NDArray[np.bool_],
    weights: Array,
    thresholds: Sequence[float],
) -> Counts:
    order = np.argsort(thresholds)
    limits = np.asarray(thresholds, dtype=np.float32)[order]
    if _is_even(limits):
        scores = np.clip(scores, 0.0, 1.0)
    passed = np.searchsorted(limits, np.where(np.isnan(scores), -np.inf, scores), side="left")
    above = [_above(passed, weights * kind, len(limits)) for kind in (positive, ~positive)]
    totals = [float(np.sum(weights[kind])) for kind in (positive, ~positive)]
    back = np.argsort(order)
    true_positives, false_positives = above[0][back], above[1][back]
    return Counts(
        true_positives,
        false_positives,
        totals[1] - false_positives,
        totals[0] - true_positives,
    )


def _above(passed: NDArray[np.intp], weights: Array, thresholds: int) -> Array:
    """Sums, for each threshold, the weights of scores that passed it."""
    buckets = np.bincount(passed, weights, thresholds + 1).astype(np.float64)
    return np.cumsum(buckets[::-1])[::-1][1:]


def _is_even(limits: NDArray[np.float32]) -> bool:
    """Whether thresholds cut [0, 1] evenly; Keras clips scores to [0, 1] then."""
    if len(limits) < 3:
        return False
    even = np.linspace(0.0, 1.0, len(limits))
    return bool(np.allclose(limits, even, atol=2 * config.epsilon()))


def divide_no_nan(x: Array, y: Array) -> Array:
    """Gives x / y, 0 where y is 0.

    Args:
        x: Array.
        y: Array.
    """
    x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    return np.divide(x, y, out=np.zeros_like(x), where=y != 0)


def as_result(values: Any) -> Any:
    """Gives a result in float32, a number for one element.

    Args:
        values: Array.
    """
    values = np.asarray(values, dtype=np.float32)
    return values.reshape(())[()] if values.size == 1 else values
