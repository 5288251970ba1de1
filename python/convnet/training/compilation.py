"""What `compile` was told: losses, weights and metrics for each output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convnet import losses as losses_module
from convnet import metrics as metrics_module
from convnet import tree
from convnet.losses import Loss, SparseCategoricalCrossentropy
from convnet.losses.loss import LossFunctionWrapper
from convnet.metrics import Mean, MeanMetricWrapper, Metric
from convnet.naming import to_snake_case

_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")

Shape = tuple[int | None, ...]


@dataclass
class CompiledMetrics:
    """Metrics of one output, resolved for its shapes."""

    plain: list[Metric] = field(default_factory=list)
    weighted: list[Metric] = field(default_factory=list)


class Compilation:
    """Arguments of `compile`, and what becomes of them once outputs and targets are known.

    Args:
        loss: A loss, a list of them or a dict by output name.
        loss_weights: A number for each output's loss, in the same form.
        metrics: Metrics, for one output or for each, as a list or a dict by output name.
        weighted_metrics: Metrics that sample weights apply to, in the same forms.

    Raises:
        ValueError: if `loss_weights` has another form.
    """

    def __init__(self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> None:
        if loss_weights and not isinstance(loss_weights, (list, tuple, dict, int, float)):
            raise ValueError(
                "Expected `loss_weights` argument to be a float (single output case) or a list, "
                "tuple, or dict (multiple output case). Received instead: "
                f"loss_weights={loss_weights!r} of type {type(loss_weights)}"
            )
        self.user_loss = loss
        self.user_loss_weights = loss_weights
        self.user_metrics = metrics
        self.user_weighted_metrics = weighted_metrics
        self.loss_tracker = Mean(name="loss")
        self.losses: list[Loss | None] = []
        self.loss_weights: list[float] = []
        self.output_trackers: list[Mean | None] = []
        self.metrics: list[CompiledMetrics] = []
        self.output_names: list[str] = []
        self._keys: list[tuple[str, Metric]] = []
        self.built = False

    def build(
        self, names: list[str], target_shapes: list[Shape], output_shapes: list[Shape]
    ) -> None:
        """Resolve names of losses and metrics for the shapes of targets and outputs.

        Args:
            names: Names of the outputs; empty where an output has none.
            target_shapes: Shapes of the targets.
            output_shapes: Shapes of the outputs.

        Raises:
            ValueError: if losses or metrics do not match the outputs.
        """
        if self.built:
            return
        self.output_names = names
        self.losses = [
            _loss(item, y, p)
            for item, y, p in zip(
                _per_output(self.user_loss, names, "loss"),
                target_shapes,
                output_shapes,
                strict=True,
            )
        ]
        self.loss_weights = [
            1.0 if w is None else float(w)
            for w in _per_output(self.user_loss_weights, names, "loss_weights")
        ]
        several = sum(loss is not None for loss in self.losses) > 1
        self.output_trackers = [
            Mean(name=f"{name or loss.name}_loss") if several and loss is not None else None
            for name, loss in zip(names, self.losses, strict=True)
        ]
        plain = _metric_lists(self.user_metrics, names, "metrics")
        weighted = _metric_lists(self.user_weighted_metrics, names, "weighted_metrics")
        self.metrics = [
            CompiledMetrics(
                [_metric(m, y, p) for m in own], [_metric(m, y, p) for m in own_weighted]
            )
            for own, own_weighted, y, p in zip(
                plain, weighted, target_shapes, output_shapes, strict=True
            )
        ]
        self._keys = self._metric_keys()
        self.built = True

    def _metric_keys(self) -> list[tuple[str, Metric]]:
        """Each metric with the name that it is reported by; names that are taken get a number."""
        uses: Counter[str] = Counter()
        keys = []
        for weighted in (False, True):
            for output, compiled in zip(self.output_names, self.metrics, strict=True):
                prefix = f"{output}_" if output and len(self.output_names) > 1 else ""
                for metric in compiled.weighted if weighted else compiled.plain:
                    key = f"{prefix}{metric.name}"
                    if weighted and uses[key]:
                        key = f"{prefix}weighted_{metric.name}"
                    uses[key] += 1
                    number = uses[key] - 1
                    keys.append((f"{key}_{number}" if number else key, metric))
        return keys

    @property
    def all_metrics(self) -> list[Metric]:
        """The loss, the metrics, then the losses of outputs: the order of `Model.metrics`."""
        trackers: list[Metric] = [t for t in self.output_trackers if t is not None]
        return [self.loss_tracker, *[metric for _, metric in self._keys], *trackers]

    def results(self) -> dict[str, Any]:
        """Values of the metrics by the names that `fit` reports, in alphabetical order."""
        values: dict[str, Any] = {"loss": float(self.loss_tracker.result())}
        for key, metric in self._keys:
            result = metric.result()
            if isinstance(result, dict):
                values |= {name: _plain(value) for name, value in result.items()}
            else:
                values[key] = _plain(result)
        for tracker in self.output_trackers:
            if tracker is not None:
                values[tracker.name] = float(tracker.result())
        return dict(sorted(values.items()))

    def in_order(self, logs: dict[str, Any]) -> Any:
        """Values of `logs` as Keras lists them: names of metrics first, other names sorted."""
        names = [metric.name for metric in self.all_metrics]
        rest = sorted(logs.keys() - set(names))
        values = [logs[name] for name in [*names, *rest] if name in logs]
        return values[0] if len(values) == 1 else values

    def reset(self) -> None:
        """Set all metrics to their first state."""
        for metric in self.all_metrics:
            metric.reset_state()


def _plain(result: Any) -> Any:
    return result if np.ndim(result) else float(result)


def _per_output(value: Any, names: Sequence[str], what: str) -> list[Any]:
    if isinstance(value, dict):
        unknown = sorted(set(value) - set(names))
        if unknown:
            raise ValueError(
                f"In the dict argument `{what}`, the keys {unknown} do not correspond to any model "
                f"output. Expected one of: {list(names)}"
            )
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(
                f"When providing the `{what}` argument as a list, it should have as many entries "
                f"as the model has outputs. Received: {len(value)} entries. Expected: {len(names)}"
            )
        return list(value)
    if what == "loss_weights" and value is not None and len(names) > 1:
        raise ValueError(
            "When the model has multiple outputs, `loss_weights` must be a list or a dict. "
            f"Received: {value}"
        )
    return [value] * len(names)


def _loss(item: Any, target: Shape, output: Shape) -> Loss | None:
    if item is None or isinstance(item, Loss):
        return item
    given = item
    if str(item).lower() in _CROSSENTROPY:
        item = _resolved("crossentropy", target, output)
    found = losses_module.get(item)
    if isinstance(found, Loss):
        return found
    name = given if isinstance(given, str) else _name_of(found)
    if found is losses_module.sparse_categorical_crossentropy:
        return SparseCategoricalCrossentropy(name=name)  # the class checks the class numbers
    return LossFunctionWrapper(found, name=name)


def _metric_lists(value: Any, names: Sequence[str], what: str) -> list[list[Any]]:
    if not value:
        return [[] for _ in names]
    if not isinstance(value, (list, tuple, dict)):
        raise ValueError(
            f"Expected `{what}` argument to be a list, tuple, or dict. "
            f"Received instead: {what}={value} of type {type(value)}"
        )
    if len(names) == 1:
        return [tree.flatten(value)]
    return [_as_list(item) for item in _per_output(value, names, what)]


def _as_list(item: Any) -> list[Any]:
    if item is None:
        return []
    return list(item) if isinstance(item, (list, tuple)) else [item]


def _metric(item: Any, target: Shape, output: Shape) -> Metric:
    """A metric object from an object, a function or a name, by Keras's rules for the names."""
    if item is None:
        raise ValueError("Expected metric, received `None`")
    if isinstance(item, Metric):
        return item
    name = item if isinstance(item, str) else None
    if str(item).lower() in _ACCURACY:
        item = _resolved("accuracy", target, output)
    elif str(item).lower() in _CROSSENTROPY:
        item = _resolved("crossentropy", target, output)
    found: Any = metrics_module.get(item)
    if isinstance(found, Metric):
        if name is not None:
            found.name = name
        return found
    function: Callable[..., Any] = found
    return MeanMetricWrapper(function, name=name or _name_of(function))


def _name_of(function: Callable[..., Any]) -> str:
    return to_snake_case(getattr(function, "__name__", type(function).__name__))


def _resolved(kind: str, target: Shape, output: Shape) -> str:
    if output[-1] == 1:
        return f"binary_{kind}"
    sparse = len(target) < len(output) or (target[-1] == 1 and (output[-1] or 0) > 1)
    return f"sparse_categorical_{kind}" if sparse else f"categorical_{kind}"
