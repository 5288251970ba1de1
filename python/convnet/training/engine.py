"""Running compiled steps over the batches of an epoch."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from convnet import _core, config, tree
from convnet.callbacks import CallbackList
from convnet.execution import in_lanes
from convnet.metrics import Metric
from convnet.optimizers import Optimizer
from convnet.tracing import GraphTensor, Trace
from convnet.training.compilation import Compilation
from convnet.training.data_adapter import Arrays
from convnet.training.feeds import ArrayFeed, SourceFeed
from convnet.training.parameters import FlatParameters
from convnet.training.step import Step, TestStep
from convnet.training.train_step import TrainStep
from convnet.variables import Variable

Feed = ArrayFeed | SourceFeed

# How often progress is reported while many steps run in one call; where tables are updated by the
# row, whose other rows are made up for at the end of a call.
_REPORT_SECONDS, _REPORT_SECONDS_BY_ROW = 0.1, 0.5
_MOST_STEPS_KEPT = 8
_SPARED = 8  # a GPU's memory is left this share of, beside what plans need
_FEW = 4  # samples of a step that take longer side by side than one after the other


class Engine:
    """The planned steps of a compiled model, one for each signature of the data.

    Args:
        model: The model.
        compilation: Its losses and metrics.
        optimizer: Its optimizer.
    """

    def __init__(self, model: Any, compilation: Compilation, optimizer: Optimizer) -> None:
        self._model = model
        self._compilation = compilation
        self._optimizer = optimizer
        self._parameters: FlatParameters | None = None
        # What trains is settled when a model is compiled, unless it gets further variables.
        self._trainable = model.trainable_variables
        self._variables = model.variables
        self._steps: OrderedDict[Any, Step] = OrderedDict()

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that steps add to."""
        return self._compilation.all_metrics

    def results(self) -> dict[str, Any]:
        """Values of the metrics by name, in alphabetical order."""
        return self._compilation.results()

    def twin(self) -> Engine:
        """An engine for the same steps with an optimizer, gradients and slots of its own.

        It trains the same variables and adds to the same metrics.
        """
        shared = {id(v): v for v in [*self._model.variables, *self._trainable]}
        twin = copy.copy(self)
        twin._optimizer = copy.deepcopy(self._optimizer, shared)
        twin._compilation = copy.copy(self._compilation)
        twin._parameters = None
        twin._steps = OrderedDict()
        return twin

    # Epochs.

    def prepare(self, feed: Feed, training: bool) -> None:
        """Plan the step for a feed and check its targets, before anything else happens."""
        data = feed.example()
        capacity = feed.batch_size if isinstance(feed, ArrayFeed) else data.samples
        self._check_targets(data, self._step(training, data, capacity))

    @contextmanager
    def kept(self, feeds: Iterable[Feed | None]) -> Iterator[None]:
        """Let the GPU that computes keep the arrays of feeds inside a `with` block, where they fit
        beside what else it needs.
        """
        gpu = config.gpu()
        data = [feed.data for feed in feeds if isinstance(feed, ArrayFeed)] if gpu >= 0 else []
        try:
            if data:
                device = _core.cuda_devices()[gpu]
                planned = sum(step.plan.device_bytes for step in self._steps.values())
                room = device["free"] - device["memory"] // _SPARED - planned
                for arrays in data:
                    room -= arrays.keep_on_gpu(gpu, room)
            yield
        finally:
            for arrays in data:
                arrays.on_gpu = None

    def train_epoch(self, feed: Feed, listeners: CallbackList) -> int:
        """Train on the batches of one epoch; gives their number."""
        each = listeners.wants_batches
        whole = isinstance(feed, ArrayFeed)

        def run(data: Arrays, rows: np.ndarray, batch: int, index: int) -> int:
            listeners.on_train_batch_begin(index)
            done = self._train(data, rows, batch, checked=whole)
            listeners.on_train_batch_end(index + done - 1, self.results())
            return done

        return feed.run_epoch(run, each, lambda: bool(self._model.stop_training))

    def test_epoch(self, feed: Feed, listeners: CallbackList) -> int:
        """Evaluate on the batches of one epoch; gives their number."""
        each = listeners.wants_test_batches
        whole = isinstance(feed, ArrayFeed)

        def run(data: Arrays, rows: np.ndarray, batch: int, index: int) -> int:
            listeners.on_test_batch_begin(index)
            done = self._test(data, rows, batch, checked=whole)
            listeners.on_test_batch_end(index + done - 1, self.results())
            return done

        return feed.run_epoch(run, each, lambda: bool(self._model.stop_evaluating))

    def train_batch(self, data: Arrays) -> None:
        """Train on one batch."""
        self._train(data, np.arange(data.samples), data.samples, checked=False)

    def test_batch(self, data: Arrays) -> None:
        """Evaluate one batch."""
        self._test(data, np.arange(data.samples), data.samples, checked=False)

    # Steps.

    def _train(self, data: Arrays, rows: np.ndarray, batch: int, checked: bool) -> int:
        step = self.train_step(data, batch, checked)
        if step.eager_update or step.untraced:
            rows = rows[:batch]
        seconds = _REPORT_SECONDS_BY_ROW if step.updates_rows else _REPORT_SECONDS
        done, outputs = self.run_train_step(step, data, rows, batch, seconds)
        self._update_untraced(step, data, rows, outputs)
        return done

    def train_step(self, data: Arrays, batch: int, checked: bool = False) -> TrainStep:
        """The step of training for batches of data, ready to run.

        Args:
            data: Arrays of the shapes that the step is for.
            batch: Samples of the largest batch.
            checked: Whether the losses have seen the targets.
        """
        step = self._step(True, data, batch)
        assert isinstance(step, TrainStep) and self._parameters is not None
        if not checked:
            self._check_targets(data, step)
        self._parameters.claim()
        return step

    def run_train_step(
        self, step: TrainStep, data: Arrays, rows: np.ndarray, batch: int, seconds: float = -1.0
    ) -> tuple[int, list[np.ndarray]]:
        """Train on rows of the data, without the metrics that are computed in Python.

        Args:
            step: The step; one whose optimizer updates in Python takes the rows of one batch.
            data: The data.
            rows: Rows, in the order to take them.
            batch: Samples of a step.
            seconds: Stop after the step in which this time is over; negative: never.

        Returns:
            The number of steps done, and predictions if the step returns them.
        """
        optimizer = self._optimizer
        first = int(optimizer._iterations)
        steps = range(first, first - (-len(rows) // batch))
        hyper = np.array([[optimizer.learning_rate_at(i), i] for i in steps], dtype=np.float64)
        done, outputs = step.run(data, rows, batch, hyper, seconds)
        if step.eager_update:
            step.update_in_python()
        else:
            optimizer._iterations.assign(first + done)
        return done, outputs

    def _test(self, data: Arrays, rows: np.ndarray, batch: int, checked: bool) -> int:
        step = self._step(False, data, batch)
        if not checked:
            self._check_targets(data, step)
        if step.untraced:
            rows = rows[:batch]
        hyper = np.zeros((-(-len(rows) // batch), 2))
        done, outputs = step.run(data, rows, batch, hyper, _REPORT_SECONDS)
        self._update_untraced(step, data, rows, outputs)
        return done

    def _update_untraced(
        self, step: Step, data: Arrays, rows: np.ndarray, outputs: list[np.ndarray]
    ) -> None:
        for i, metric, weighted in step.untraced:
            weights = data.weights[i] if weighted and data.weights else None
            sample_weight = None if weights is None else np.asarray(weights)[rows]
            metric.update_state(
                np.asarray(data.y[i])[rows], outputs[i], sample_weight=sample_weight
            )

    def _step(self, training: bool, data: Arrays, capacity: int) -> Step:
        few = capacity <= _FEW
        if config.gpu() >= 0:
            capacity = min(capacity, data.samples)  # a GPU has memory for each
        key = (training, few, data.signature(), config.algorithms_in_force())
        step = self._steps.get(key)
        if step is None or step.capacity < capacity:
            shapes = [a.shape[1:] for a in data.x]
            step = in_lanes(lambda *lanes: self._plan(training, data, capacity, lanes), few, shapes)
            self._steps[key] = step
            if len(self._steps) > _MOST_STEPS_KEPT:
                self._steps.popitem(last=False)
        self._steps.move_to_end(key)
        return step

    def _plan(self, training: bool, data: Arrays, capacity: int, lanes: tuple[int, bool]) -> Step:
        names = getattr(self._model, "output_names", None)

        def call(inputs: list[GraphTensor]) -> tuple[Any, list[GraphTensor]]:
            outputs = call_model(self._model, inputs, data.form)
            with inputs[0].trace.labelled("loss"):
                return outputs, self._model.losses

        if not training:
            return TestStep(call, self._compilation, data, capacity, names, lanes)
        if self._parameters is None:
            trace_model(self._model, data)
            self._parameters = FlatParameters(self._variables_to_train(), self._optimizer)
        return TrainStep(
            call,
            self._compilation,
            data,
            capacity,
            names,
            lanes,
            optimizer=self._optimizer,
            parameters=self._parameters,
        )

    def _variables_to_train(self) -> list[Variable]:
        known = {id(variable) for variable in self._variables}
        if known == {id(variable) for variable in self._model.variables}:
            return list(self._trainable)
        return list(self._model.trainable_variables)

    def _check_targets(self, data: Arrays, step: Step) -> None:
        """Let losses look at targets on the host: class numbers out of range are found before
        training.
        """
        for loss, target, output in zip(
            self._compilation.losses, data.y, step.outputs, strict=False
        ):
            if loss is not None and isinstance(target, np.ndarray):
                loss.check_targets(target, output.shape)


def trace_model(model: Any, data: Arrays) -> None:
    """Trace a model once, so that all its layers have their weights."""
    with Trace(training=True) as trace:
        inputs = [trace.input(a.shape[1:], f"x{i}") for i, a in enumerate(data.x)]
        call_model(model, inputs, data.form)


def call_model(model: Any, inputs: list[GraphTensor], form: Any) -> Any:
    """Call a model with inputs in the structure that they were given in."""
    return model(tree.pack_sequence_as(form, inputs))
