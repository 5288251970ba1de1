"""Means of precision and recall."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convnet import config
from convnet.metrics.metric import Metric

_AVERAGES = (None, "micro", "macro", "weighted")
_NAMES = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """`(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)` of each class.

    Args:
        average: None for one score a class; `"micro"` for all classes as one, `"macro"` for the
            mean over classes, `"weighted"` for the mean weighted by their frequencies.
        beta: Weight of recall.
        threshold: What a probability must be above to mean 1; by default only the highest does.
        name: Name of the metric.
        dtype: See `Metric`.

    Raises:
        ValueError: If an argument is not valid.

    Example:

    >>> score = FBetaScore(beta=2.0, average="macro")
    >>> round(float(score([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]])), 4)
    1.0
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in _AVERAGES:
            raise ValueError(
                f"Invalid `average` argument value. Expected one of: {_AVERAGES}. "
                f"Received: average={average}"
            )
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(
                "Invalid `beta` argument value. It should be a Python float > 0. "
                f"Received: beta={beta} of type '{type(beta)}'"
            )
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(
                "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
                f"Received: threshold={threshold}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: Classes as 0 or 1, `(batch, classes)`.
            y_pred: Probabilities, of the same shape.
            sample_weight: Weights, `(batch,)`, or None.

        Raises:
            ValueError: If targets or predictions are not 2D.
        """
        truth, scores = (np.asarray(y, dtype=np.float32) for y in (y_true, y_pred))
        if truth.ndim != 2 or scores.ndim != 2:
            raise ValueError(
                f"{type(self).__name__} expects 2D inputs with shape (batch_size, output_dim). "
                f"Received input shapes: y_pred.shape={scores.shape} and "
                f"y_true.shape={truth.shape}."
            )
        if not self._variables:
            shape = () if self.average == "micro" else (scores.shape[-1],)
            for name in _NAMES:
                setattr(self, name, self.add_variable(shape, "zeros", dtype="float64", name=name))
        predicted = self._decide(scores)
        weight = 1.0 if sample_weight is None else np.asarray(sample_weight)[:, np.newaxis]
        added = (predicted * truth, predicted * (1 - truth), (1 - predicted) * truth, truth)
        for variable, values in zip(self._variables, added, strict=True):
            axis = None if self.average == "micro" else 0
            variable._value[...] += np.sum(values * weight, axis=axis)

    def _decide(self, scores: Any) -> Any:
        if self.threshold is not None:
            return scores > self.threshold
        return (scores >= scores.max(axis=-1, keepdims=True)) & (np.abs(scores) > 1e-9)

    def result(self) -> Any:
        if not self._variables:
            return np.float32(0.0)
        hits, extra, missed, weights = (v._value for v in self._variables)
        epsilon, square = config.epsilon(), self.beta**2
        precision = hits / (hits + extra + epsilon)
        recall = hits / (hits + missed + epsilon)
        score = precision * recall / (square * precision + recall + epsilon) * (1 + square)
        if self.average == "weighted":
            return np.float32(np.sum(score * weights / (np.sum(weights) + epsilon)))
        return np.float32(score if self.average is None else np.mean(score))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """`2 * precision * recall / (precision + recall)` of each class.

    Args:
        average: See `FBetaScore`.
        threshold: See `FBetaScore`.
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> F1Score()([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).round(4).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average=average, threshold=threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        values = super().get_config()
        del values["beta"]
        return values
