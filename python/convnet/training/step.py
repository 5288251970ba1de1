"""One step as a plan: forward, losses and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from convnet import _core, tree
from convnet.execution import LANES
from convnet.losses import Loss
from convnet.metrics import Metric
from convnet.random import draw_seed
from convnet.tracing import GraphTensor, Trace
from convnet.training.compilation import Compilation
from convnet.training.data_adapter import Arrays

_MEANS = ("sum_over_batch_size", "mean")


class Step:
    """A planned step for data of one signature.

    Args:
        model: Called with a list of traced inputs, returns traced outputs and the losses of
            layers and regularizers, as scalars.
        compilation: Losses and metrics, resolved while the step is recorded.
        data: An example of the data: its shapes count.
        capacity: Largest batch.
        output_names: Names of the outputs, where the model has them.
        lanes: Samples that lie side by side, and whether there are a few only, as for `Trace`.

    Attributes:
        untraced: Metrics that must see targets and predictions as arrays, with their output.
        plan: The core's plan.
    """

    training = False

    def __init__(
        self,
        model: Callable[[list[GraphTensor]], tuple[Any, list[GraphTensor]]],
        compilation: Compilation,
        data: Arrays,
        capacity: int,
        output_names: list[str] | None,
        lanes: tuple[int, bool] = (LANES, False),
    ) -> None:
        self.capacity = capacity
        self.compilation = compilation
        self.untraced: list[tuple[int, Metric, bool]] = []
        self._memory: dict[int, np.ndarray] = {}
        self._losses: list[int] = []
        self._tracked = False
        # Sums beside the first of a tracker: their counts would count the samples twice.
        self._extra_totals: list[tuple[Metric, np.ndarray]] = []
        trainable = self._trainable_ids()
        with Trace(self.training, trainable, *lanes) as trace:
            self._trace = trace
            self.inputs = [trace.input(a.shape[1:], f"x{i}") for i, a in enumerate(data.x)]
            outputs, extra_losses = model(self.inputs)
            self.outputs = [trace.tensor(t) for t in tree.flatten(outputs)]
            self.targets = [trace.input(a.shape[1:], f"y{i}") for i, a in enumerate(data.y)]
            self.weights = [
                None if w is None else trace.input(w.shape[1:], f"sample_weight{i}")
                for i, w in enumerate(data.weights or [None] * len(data.y))
            ]
            self._record(_names(outputs, output_names), extra_losses)
        self._finish()

    def _trainable_ids(self) -> set[int]:
        """Ids of the variables that gradients are wanted for."""
        return set()

    def _record(self, output_names: list[str], extra_losses: list[GraphTensor]) -> None:
        self._resolve(output_names)
        for i, (target, output) in enumerate(zip(self.targets, self.outputs, strict=False)):
            loss = self.compilation.losses[i]
            if loss is not None:
                with (
                    self._trace.labelled("loss"),
                    _explained(loss, target, output, self.weights[i]),
                ):
                    self._add_loss(i, loss, target, output)
            with self._trace.labelled("metrics"):
                self._add_metrics(i, target, output)
        with self._trace.labelled("loss"):
            for extra in extra_losses:
                self._track(extra.id, self.compilation.loss_tracker, first=not self._tracked)
                self._losses.append(extra.id)
        if not self._losses:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")

    def _resolve(self, output_names: list[str]) -> None:
        """Find losses and metrics for the shapes of outputs and targets, and check these."""
        shapes = [output.shape for output in self.outputs]
        target_shapes = [target.shape for target in self.targets] or shapes
        if len(target_shapes) != len(shapes):
            raise ValueError(
                "y_true and y_pred have different structures. Expected targets for the outputs of "
                f"shapes {shapes}. Received: targets of shapes {target_shapes}"
            )
        self.compilation.build(output_names, target_shapes, shapes)
        if not self.targets and any(self.compilation.losses):
            raise ValueError(
                f"The loss needs targets for the outputs of shapes {shapes}. Received: y=None"
            )

    def _add_loss(self, i: int, loss: Loss, target: GraphTensor, output: GraphTensor) -> None:
        if self._is_plain_mean(loss, i):
            values = _tensor(loss.call(target, output), loss)
            if values.batched:
                self._add_mean(i, *_fit(values, self.weights[i]))
                return
        value = _tensor(loss(target, output, self.weights[i]), loss)
        if value.batched:
            raise ValueError(
                "A loss used in training must reduce to a number. "
                f"Received: loss={loss} with reduction={loss.reduction!r}"
            )
        self._add_losses(i, value.id, (value * self.compilation.loss_weights[i]).id)

    def _add_mean(self, i: int, values: GraphTensor, weight: GraphTensor | None) -> None:
        """Add the mean of weighted losses, by the op that also gives the loss weight its due."""
        ids = [values.id, None if weight is None else weight.id]

        def mean(scale: float) -> int:
            return self._trace.graph.add("loss_mean", ids, {"scale": scale})[0]

        scaled = mean(self.compilation.loss_weights[i])
        plain = scaled if self.compilation.output_trackers[i] is None else mean(1.0)
        self._add_losses(i, plain, scaled)

    def _add_losses(self, i: int, plain: int, scaled: int) -> None:
        """Add a loss, given without and with its loss weight, to the total and the trackers."""
        own = self.compilation.output_trackers[i]
        if own is not None:
            self._track(plain, own, first=True)
        self._losses.append(scaled)
        self._track(scaled, self.compilation.loss_tracker, first=not self._tracked)

    def _is_plain_mean(self, loss: Loss, i: int) -> bool:
        """Whether the loss of each sample counts, and their mean is wanted."""
        target, output = self.targets[i], self.outputs[i]
        unmasked = output._keras_mask is None and loss.mask(target, output) is None
        return loss.reduction in _MEANS and unmasked

    def _track(self, value: int, tracker: Metric, first: bool) -> None:
        """Add a loss, over the samples of each step, to a tracker; only one counts the samples."""
        memory = tracker.accumulators[0] if first else np.zeros(2)
        if not first:
            self._extra_totals.append((tracker, memory))
        if tracker is self.compilation.loss_tracker:
            self._tracked = True
        self._accumulate(value, memory, count="samples")

    def _accumulate(self, id: int, memory: np.ndarray, **attrs: Any) -> None:
        graph = self._trace.graph
        accumulator = graph.accumulator("sum")
        self._memory[accumulator] = memory
        graph.update("accumulate", [id, accumulator], attrs)

    def _add_metrics(self, i: int, target: GraphTensor, output: GraphTensor) -> None:
        for metric in self.compilation.metrics[i].plain:
            self._add_metric(i, metric, target, output, weighted=False)
        for metric in self.compilation.metrics[i].weighted:
            self._add_metric(i, metric, target, output, weighted=True)

    def _add_metric(
        self, i: int, metric: Metric, target: GraphTensor, output: GraphTensor, weighted: bool
    ) -> None:
        weight = self.weights[i] if weighted else None
        recorded = metric.record(self._trace, target, output, weight)
        if recorded is None:
            self.untraced.append((i, metric, weighted))
            return
        for (values, weights), memory in zip(recorded, metric.accumulators, strict=True):
            ids = [values.id, None if weights is None else weights.id]
            self._accumulate(self._trace.graph.add("metric_mean", ids, {})[0], memory)

    def _finish(self) -> None:
        keep = [o.id for o in self.outputs] if self.untraced else []
        self._shapes = [self._trace.graph.shape(o.id) for o in self.outputs] if keep else []
        self._trace.graph.fuse(keep)
        bound = self._differentiate()
        self.plan = _core.Plan(self._trace.graph, keep, self.capacity, bound)
        self.plan.seed = int(draw_seed()[0])
        for id, memory in self._memory.items():
            self.plan.bind(id, memory, resident=memory.dtype == np.float32)
        self._variables = [(t.id, v) for v, t in self._trace.variables]
        self._bound: list[np.ndarray | None] = [None] * len(self._variables)

    def _differentiate(self) -> list[int]:
        return []

    def _bind_variables(self) -> None:
        for i, (id, variable) in enumerate(self._variables):
            if self._bound[i] is not variable.memory:
                self.plan.bind(id, variable.memory, resident=True)
                self._bound[i] = variable.memory

    @property
    def returns_outputs(self) -> bool:
        """Whether `run` gives predictions."""
        return bool(self._shapes)

    def run(
        self, data: Arrays, order: np.ndarray, batch: int, hyper: np.ndarray, seconds: float = -1.0
    ) -> tuple[int, list[np.ndarray]]:
        """Run steps over rows `order` of the data.

        Args:
            data: Arrays of the signature that the step was made for.
            order: Rows, in the order to take them, int64.
            batch: Samples of a step.
            hyper: One row of scalars for each step: learning rate and iteration.
            seconds: Stop after the step in which this time is over; negative: never.

        Returns:
            The number of steps done, and predictions if `returns_outputs`.
        """
        self._bind_variables()
        data = data.fed
        feeds = dict(zip((t.id for t in self.inputs), data.x, strict=True))
        feeds |= zip((t.id for t in self.targets), data.y, strict=True)
        feeds |= {
            t.id: w
            for t, w in zip(self.weights, data.weights, strict=False)
            if t is not None and w is not None
        }
        results = [np.empty((len(order), *shape), np.float32) for shape in self._shapes]
        for memory in (m for _, m in self._extra_totals):
            memory[:] = 0.0
        batch = min(batch, self.capacity)  # where there are fewer samples
        done = self.plan.train(feeds, order, batch, hyper, seconds, results)
        for tracker, memory in self._extra_totals:
            tracker.accumulators[0][0] += memory[0]
        return done, results


@contextmanager
def _explained(
    loss: Loss, target: GraphTensor, output: GraphTensor, weight: GraphTensor | None
) -> Iterator[None]:
    """Add to errors what the loss was given."""
    try:
        yield
    except ValueError as error:
        weights = "" if weight is None else f" and weights of shape {weight.shape}"
        raise ValueError(
            f"The loss {loss.name!r} cannot be computed for targets of shape {target.shape}, "
            f"predictions of shape {output.shape}{weights}. {error}"
        ) from error


def _tensor(value: Any, loss: Loss) -> GraphTensor:
    if isinstance(value, GraphTensor):
        return value
    raise TypeError(
        f"The loss {loss.name!r} must return a tensor computed by `convnet.ops` from its "
        f"arguments. Received: {value!r} of type {type(value)}"
    )


def _names(outputs: Any, known: list[str] | None) -> list[str]:
    """Names of outputs, if they have some: the keys where they are in a dict."""
    count = len(tree.flatten(outputs))
    if isinstance(outputs, dict) and len(outputs) == count:
        return sorted(outputs)
    return known or [""] * count


def _fit(values: GraphTensor, weight: GraphTensor | None) -> tuple[GraphTensor, Any]:
    """Values and weights such that the weights' axes are the first of the values'."""
    if weight is None:
        return values, None
    from convnet.losses.shapes import squeeze_or_expand_to_same_rank

    return squeeze_or_expand_to_same_rank(values, weight)


class TestStep(Step):
    """A step of `evaluate`."""

    __test__ = False
