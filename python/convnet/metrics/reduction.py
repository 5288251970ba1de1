"""Sums and means over all samples."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convnet.losses.reduction import apply_mask
from convnet.losses.shapes import squeeze_or_expand_to_same_rank
from convnet.metrics.metric import Metric, Recorded
from convnet.naming import to_snake_case
from convnet.tracing import GraphTensor

Array = NDArray[np.float64]


def samplewise(
    values: Any, sample_weight: Any, reduce: Callable[..., Any]
) -> tuple[Array, Array | None]:
    """Reduces weighted values and weights to one number a sample.

    Args:
        values: `(batch, ...)`.
        sample_weight: `(batch, ...)` with at most as many axes, or None.
        reduce: `np.sum` or `np.mean`, over all axes but the batch.

    Returns:
        Weighted values and weights, each `(batch,)` where they had a batch.
    """
    values = np.asarray(values, dtype=np.float64)
    weight = None
    if sample_weight is not None:
        weight = np.asarray(sample_weight, dtype=np.float64)
        values, weight = squeeze_or_expand_to_same_rank(values, weight)
        if values.ndim > weight.ndim:
            values = reduce(values, axis=tuple(range(weight.ndim, values.ndim)))
        weight = np.broadcast_to(weight, values.shape)
        values = values * weight
        weight = _reduce_tail(weight, reduce)
    return _reduce_tail(values, reduce), weight


def _reduce_tail(values: Array, reduce: Callable[..., Any]) -> Array:
    return reduce(values, axis=tuple(range(1, values.ndim))) if values.ndim > 1 else values


class _Accumulated(Metric):
    """A metric whose state is a total and a count, in float64."""

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._state = np.zeros(2)
        self.total = self._cell(0, "total")

    def _cell(self, index: int, name: str) -> Any:
        variable = self.add_variable((), "zeros", dtype="float64", name=name)
        variable.rebase(self._state[index : index + 1].reshape(()))
        return variable

    def reset_state(self) -> None:
        self._state[:] = 0.0


class Sum(_Accumulated):
    """The weighted sum of values.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(Sum()([1.0, 2.0], sample_weight=[1.0, 0.5]))
    2.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Adds values.

        Args:
            values: Any shape.
            sample_weight: Weights, or None.
        """
        self._state[0] += float(np.sum(samplewise(values, sample_weight, np.sum)[0]))

    def result(self) -> np.float32:
        return np.float32(self._state[0])


class Mean(_Accumulated):
    """The weighted mean of values.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(Mean()([1.0, 2.0], sample_weight=[1.0, 3.0]))
    1.75
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.count = self._cell(1, "count")

    @property
    def accumulators(self) -> list[Array]:
        return [self._state]

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Adds values.

        Args:
            values: Any shape.
            sample_weight: Weights, or None.
        """
        values, weight = samplewise(values, sample_weight, np.mean)
        self._state[0] += float(np.sum(values))
        if weight is None:
            self._state[1] += len(values) if values.ndim else 1
        else:
            self._state[1] += float(np.sum(weight))

    def result(self) -> np.float32:
        total, count = self._state
        return np.float32(total / count if count else 0.0)


class MeanMetricWrapper(Mean):
    """The weighted mean of a function of targets and predictions.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`. Written in `convnet.ops` it becomes a part of compiled
            steps.
        name: Name of the metric.
        dtype: See `Metric`.
        **kwargs: Further arguments of the function.

    Example:

    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: y_true - y_pred, name="difference")
    >>> float(metric([3.0, 5.0], [1.0, 1.0]))
    3.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: Targets.
            y_pred: Predictions.
            sample_weight: Weights, or None.
        """
        values = self._fn(np.asarray(y_true), np.asarray(y_pred), **self._fn_kwargs)
        if values is None:
            raise TypeError(f"The metric {self.name!r} must return numbers. Received: None")
        super().update_state(values, sample_weight)

    def record(
        self, trace: Any, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Recorded | None:
        if type(self).update_state is not MeanMetricWrapper.update_state:
            return None
        try:
            values = self._fn(y_true, y_pred, **self._fn_kwargs)
        except Exception:
            # Not written in `convnet.ops`; if it is wrong, `update_state` will say so.
            return None
        if not isinstance(values, GraphTensor) or not values.batched:
            return None
        weight = apply_mask(sample_weight, getattr(y_pred, "_keras_mask", None), "sum")
        if weight is not None:
            values, weight = squeeze_or_expand_to_same_rank(values, weight)
        return [(values, weight)]

    def get_config(self) -> dict[str, Any]:
        from convnet.saving import serialization

        arguments = {"fn": self._fn, **self._fn_kwargs}
        return {**super().get_config(), **serialization.serialize_keras_object(arguments)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        if "fn" in config:
            from convnet.saving import serialization

            config = serialization.deserialize_keras_object(config)
        return cls(**config)


class NamedMetric(MeanMetricWrapper):
    """A built-in mean: its config holds arguments instead of a function."""

    _direction: str

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._fn_kwargs}


class PlainMetric(NamedMetric):
    """A built-in mean whose function takes no further arguments.

    Args:
        name: Name of the metric, by default the class's in snake case.
        dtype: See `Metric`.
    """

    function: Callable[..., Any]

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(self.function, name or to_snake_case(type(self).__name__), dtype)
