"""Area under a curve of rates over all thresholds."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convnet import config
from convnet.metrics.confusion import ConfusionMetric
from convnet.metrics.counts import Array, Counts, as_result, count, divide_no_nan

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "minoring", "majoring")


class AUC(ConfusionMetric):
    """Area under the ROC curve (recall over false positive rate) or under precision over recall.

    Args:
        num_thresholds: Points of the curve, 2 or more.
        curve: `"ROC"`, `"PR"` or `"PRGAIN"` (Flach and Kull, NeurIPS 2015).
        summation_method: `"interpolation"` (trapezoids; for `"PR"` as in Davis and Goadrich, ICML
            2006), `"minoring"` or `"majoring"`.
        name: Name of the metric.
        dtype: See `Metric`.
        thresholds: The points themselves, between 0 and 1; both ends are added.
        multi_label: Whether to take the mean of the areas of each index of the last axis.
        num_labels: Number of labels, with `multi_label`; by default known from the first batch.
        label_weights: Weights of labels.
        from_logits: Whether predictions are logits.

    Raises:
        ValueError: If an argument is not valid.

    Example:

    >>> round(float(AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])), 2)
    0.75
    """

    _direction = "up"
    _kept = ("true_positives", "false_positives", "true_negatives", "false_negatives")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Iterable[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: ArrayLike | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.curve = _checked("curve", curve.upper(), _CURVES)
        self.summation_method = _checked("summation_method", summation_method.lower(), _SUMMATIONS)
        if num_labels and not multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        self._given_thresholds = None if thresholds is None else sorted(thresholds)
        inner = _inner_thresholds(num_thresholds, self._given_thresholds)
        epsilon = config.epsilon()
        self.thresholds = [0.0 - epsilon, *inner, 1.0 + epsilon]
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights)
        self.from_logits = from_logits
        if num_labels or not multi_label:
            self._build(num_labels)

    def _build(self, labels: int | None) -> None:
        self._add_counts((self.num_thresholds, labels) if labels else (self.num_thresholds,))

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1.
            y_pred: Probabilities of 1 or logits, of the same shape.
            sample_weight: Weights, or None.

        Raises:
            ValueError: If `multi_label` is True and predictions are not `(batch, labels)`.
        """
        y_pred = np.asarray(y_pred, dtype=np.float64)
        if self.multi_label and y_pred.ndim != 2:
            raise ValueError(
                "`y_pred` must have rank 2 when `multi_label=True`. Found rank "
                f"{y_pred.ndim}. Full shape received for `y_pred`: {y_pred.shape}"
            )
        if not self._variables:
            self._build(y_pred.shape[1])
        if self.from_logits:
            y_pred = 0.5 * (1.0 + np.tanh(0.5 * y_pred))
        weights = None if self.multi_label else self.label_weights
        self._add(
            count(
                y_true,
                y_pred,
                self.thresholds,
                sample_weight,
                label_weights=weights,
                multi_label=self.multi_label,
            )
        )

    def result(self) -> Any:
        if not self._variables:
            return np.float32(0.0)
        counts = Counts(*(self._counts(name) for name in self._kept))
        if self.curve == "PR" and self.summation_method == "interpolation":
            pieces = _interpolated_precision(counts)
        else:
            pieces = self._pieces(*_points(counts, self.curve))
        areas = np.sum(pieces, axis=0)
        if not self.multi_label:
            return as_result(areas)
        weights = np.ones(areas.shape) if self.label_weights is None else self.label_weights
        return as_result(divide_no_nan(np.sum(areas * weights), np.sum(weights)))

    def _pieces(self, x: Array, y: Array) -> Array:
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2.0
        else:
            choose = np.minimum if self.summation_method == "minoring" else np.maximum
            heights = choose(y[:-1], y[1:])
        return (x[:-1] - x[1:]) * heights

    def get_config(self) -> dict[str, Any]:
        weights = self.label_weights
        values = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if weights is None else weights.tolist(),
            "from_logits": self.from_logits,
        }
        if self._given_thresholds is not None:
            values["thresholds"] = self._given_thresholds
        return values


def _inner_thresholds(number: int, given: list[float] | None) -> list[float]:
    if given is not None:
        return given
    if number <= 1:
        raise ValueError(
            f"Argument `num_thresholds` must be an integer > 1. Received: num_thresholds={number}"
        )
    return [(i + 1) / (number - 1) for i in range(number - 2)]


def _points(counts: Counts, curve: str) -> tuple[Array, Array]:
    """Gives the curve's x and y, from the lowest threshold on."""
    tp, fp, tn, fn = counts
    recall = divide_no_nan(tp, tp + fn)
    if curve == "ROC":
        return divide_no_nan(fp, fp + tn), recall
    if curve == "PR":
        return recall, divide_no_nan(tp, tp + fp)
    odds = divide_no_nan(tp + fn, tn + fp)
    recall_gain = np.where(tp == 0, 0.0, 1.0 - odds * divide_no_nan(fn, tp))
    precision_gain = np.where(tp == 0, 1.0, 1.0 - odds * divide_no_nan(fp, tp))
    return np.maximum(recall_gain, 0.0), precision_gain


def _interpolated_precision(counts: Counts) -> Array:
    """Areas under precision over recall when both counts grow evenly between two thresholds."""
    tp, fp, _, fn = counts
    predicted = tp + fp
    gained = tp[:-1] - tp[1:]
    slope = divide_no_nan(gained, np.maximum(predicted[:-1] - predicted[1:], 0.0))
    intercept = tp[1:] - slope * predicted[1:]
    ratio = divide_no_nan(predicted[:-1], predicted[1:])
    ratio = np.where((predicted[:-1] > 0) & (predicted[1:] > 0), ratio, 1.0)
    return divide_no_nan(slope * (gained + intercept * np.log(ratio)), (tp + fn)[1:])


def _checked(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(
            f'Invalid `{name}` argument value "{value}". Expected one of: {list(allowed)}'
        )
    return value
