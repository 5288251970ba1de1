"""The base class of callbacks that watch whether a quantity improves."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from convnet.callbacks.callback import Callback


class MonitorCallback(Callback):
    """Base class of callbacks that watch a quantity of the logs.

    Args:
        monitor: Name of the quantity, as in the logs.
        mode: `"min"` (less is better), `"max"` (more is better) or `"auto"`: less for
            `loss`, otherwise as the metric of this name says.
        baseline: The value to improve on; by default the first one seen.
        min_delta: The least change that counts as an improvement.

    Raises:
        ValueError: During training, if `mode="auto"` and the metric has no direction.

    Example:

    >>> callback = MonitorCallback("loss", mode="min", min_delta=0.1)
    >>> callback._is_improvement(0.45, 0.5), callback._is_improvement(0.35, 0.5)
    (False, True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        compare = self._set_monitor_op()
        if reference is None:
            return True
        margin = self.min_delta if compare is operator.gt else -self.min_delta
        # In single precision, as Keras compares: rounding errors are no improvement.
        return bool(compare(np.float32(value - margin), np.float32(reference)))

    def _set_monitor_op(self) -> Callable[[Any, Any], Any]:
        """Settles the direction, once the model's metrics are known."""
        if self.monitor_op is None:
            more_is_better = self.mode == "max" or (self.mode == "auto" and self._infer_more())
            self.monitor_op = operator.gt if more_is_better else operator.lt
        return self.monitor_op

    def _infer_more(self) -> bool:
        name = self.monitor.removeprefix("val_")
        for metric in _flatten_metrics(getattr(self.model, "metrics", ())):
            if metric.name == name and hasattr(metric, "_direction"):
                return bool(metric._direction == "up")
        if name == "loss":
            return False
        raise ValueError(
            f"{type(self).__name__} callback received monitor={self.monitor}, but convnet "
            "isn't able to automatically determine whether that metric should be maximized "
            "or minimized. Pass `mode='max'` in order to monitor based on the highest metric "
            "value, or pass `mode='min'` in order to use the lowest value."
        )


def _flatten_metrics(metrics: Iterable[Any]) -> Iterable[Any]:
    for metric in metrics:
        yield metric
        yield from _flatten_metrics(getattr(metric, "metrics", ()))
