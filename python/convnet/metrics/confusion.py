"""Counts of a confusion matrix, precision and recall."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convnet.metrics.counts import (
    NEGATIVE_INFINITY,
    Array,
    Counts,
    as_result,
    count,
    divide_no_nan,
    parse_thresholds,
)
from convnet.metrics.metric import Metric

Thresholds = float | Iterable[float] | None


class ConfusionMetric(Metric):
    """Base of the metrics that add up counts; `_kept` names the counts.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.
    """

    _kept: tuple[str, ...] = ()

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def _add_counts(self, shape: tuple[int, ...]) -> None:
        for name in self._kept:
            setattr(self, name, self.add_variable(shape, "zeros", dtype="float64", name=name))

    def _counts(self, name: str) -> Array:
        return np.asarray(getattr(self, name)._value)

    def _add(self, counts: Counts) -> None:
        for name in self._kept:
            getattr(self, name)._value[...] += getattr(counts, name)


class _Count(ConfusionMetric):
    def __init__(
        self, thresholds: Thresholds = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds, 0.5)
        self._add_counts((len(self.thresholds),))

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1.
            y_pred: Probabilities of 1, of the same shape.
            sample_weight: Weights, or None.
        """
        self._add(count(y_true, y_pred, self.thresholds, sample_weight))

    def result(self) -> Any:
        return as_result(self._counts(self._kept[0]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """Number of targets 1 predicted as 1.

    Args:
        thresholds: What a probability must be above to mean 1, by default 0.5; or several.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(TruePositives()([1, 1, 0, 0], [0.9, 0.1, 0.8, 0.2]))
    1.0
    """

    _kept = ("true_positives",)


class FalsePositives(_Count):
    """Number of targets 0 predicted as 1.

    Args:
        thresholds: What a probability must be above to mean 1, by default 0.5; or several.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(FalsePositives()([1, 1, 0, 0], [0.9, 0.1, 0.8, 0.2]))
    1.0
    """

    _kept = ("false_positives",)


class TrueNegatives(_Count):
    """Number of targets 0 predicted as 0.

    Args:
        thresholds: What a probability must be above to mean 1, by default 0.5; or several.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(TrueNegatives()([1, 1, 0, 0], [0.9, 0.1, 0.8, 0.2]))
    1.0
    """

    _kept = ("true_negatives",)


class FalseNegatives(_Count):
    """Number of targets 1 predicted as 0.

    Args:
        thresholds: What a probability must be above to mean 1, by default 0.5; or several.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(FalseNegatives()([1, 1, 0, 0], [0.9, 0.1, 0.8, 0.2]))
    1.0
    """

    _kept = ("false_negatives",)


class _Share(ConfusionMetric):
    """True positives divided by themselves and one kind of error."""

    _direction = "up"

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else NEGATIVE_INFINITY)
        self._add_counts((len(self.thresholds),))

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1.
            y_pred: Probabilities of 1, of the same shape.
            sample_weight: Weights, or None.
        """
        self._add(count(y_true, y_pred, self.thresholds, sample_weight, self.top_k, self.class_id))

    def result(self) -> Any:
        hits, errors = (self._counts(name) for name in self._kept)
        return as_result(divide_no_nan(hits, hits + errors))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Share):
    """Share of predicted ones whose target is 1.

    Args:
        thresholds: What a probability must be above to mean 1, by default 0.5; or several.
        top_k: How many of a sample's highest probabilities may mean 1.
        class_id: The one class to look at.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(Precision()([1, 1, 0, 0], [0.9, 0.1, 0.8, 0.2]))
    0.5
    """

    _kept = ("true_positives", "false_positives")


class Recall(_Share):
    """Share of targets 1 that are predicted as 1.

    Args:
        thresholds: What a probability must be above to mean 1, by default 0.5; or several.
        top_k: How many of a sample's highest probabilities may mean 1.
        class_id: The one class to look at.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(Recall()([1, 1, 0, 0], [0.9, 0.1, 0.8, 0.2]))
    0.5
    """

    _kept = ("true_positives", "false_negatives")
