"""The methods by which a model is compiled, trained, evaluated and asked for predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import optimizers, tree
from convnet.callbacks import CallbackList, History
from convnet.metrics import Metric
from convnet.training import data_adapter
from convnet.training.compilation import Compilation
from convnet.training.data_adapter import Arrays
from convnet.training.engine import Engine
from convnet.training.feeds import ArrayFeed, SourceFeed
from convnet.training.prediction import Predictor


class Trainer:
    """The training side of `Model`: `compile`, `fit`, `evaluate`, `predict` and their kin."""

    def __init__(self) -> None:
        self.compiled = False
        self.optimizer: Any = None
        self.history: History | None = None
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False
        self._compilation: Compilation | None = None
        self._compile_arguments: dict[str, Any] = {}
        self._engine: Engine | None = None
        self._predictor: Predictor | None = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is to be trained.

        Args:
            optimizer: An optimizer or its name.
            loss: A loss, its name or a function `(y_true, y_pred) -> values`; for several outputs
                a list or a dict by output name.
            loss_weights: A number for each output's loss.
            metrics: Metrics, names or functions; a list, or for several outputs a list of lists or
                a dict.
            weighted_metrics: Metrics that sample weights apply to.
            run_eagerly: Accepted for compatibility; models always run as plans.
            steps_per_execution: Accepted for compatibility; steps run together whenever no
                callback listens to batches.
            jit_compile: Accepted for compatibility.
            auto_scale_loss: Accepted for compatibility.

        >>> from convnet import Sequential, layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
        """
        self.optimizer = optimizers.get(optimizer)
        self._compilation = Compilation(loss, loss_weights, metrics, weighted_metrics)
        self._compile_arguments = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": False,
        }
        self.loss = loss
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self.stop_training = False
        self.compiled = True
        self._engine = Engine(self, self._compilation, self.optimizer)

    @property
    def metrics(self) -> list[Metric]:
        """The loss tracker, then the metrics of `compile`."""
        return self._compilation.all_metrics if self._compilation is not None else []

    @property
    def metrics_names(self) -> list[str]:
        """Names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Set all metrics to their first state."""
        if self._compilation is not None:
            self._compilation.reset()

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[Any, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train the model.

        Args:
            x: Inputs: an array, a list or dict of arrays, or a generator, iterable or sequence
                object of batches `(x, y)` or `(x, y, sample_weight)`.
            y: Targets, in the same form; not with a source of batches.
            batch_size: Samples of a step, 32 by default.
            epochs: Index of the epoch to stop before.
            verbose: 0 silent, 1 a progress bar, 2 a line for each epoch.
            callbacks: Callbacks, called in order.
            validation_split: Share of the samples, taken from the end before shuffling, that
                validate instead of training.
            validation_data: `(x, y)` or `(x, y, sample_weight)` to validate on.
            shuffle: Whether to shuffle the samples before each epoch.
            class_weight: Weight of each class number in the loss.
            sample_weight: Weight of each sample in the loss.
            initial_epoch: Epoch to start at.
            steps_per_epoch: Batches of an epoch.
            validation_steps: Batches of a validation.
            validation_batch_size: Samples of a step of validation.
            validation_freq: Validate after every n-th epoch, or after the epochs listed.

        Returns:
            The `History`: `history.history` maps names to one value for each epoch.

        Raises:
            ValueError: if the model is not compiled, or data and model do not fit.
        """
        engine = self._compiled_engine("fit")
        self.stop_training = False
        y, sample_weight = _with_class_weight(x, y, class_weight, sample_weight)
        train: Arrays | None = None
        validation = validation_data
        if validation_split and validation_data is None:
            train, validation = self._split(x, y, sample_weight, validation_split)
        elif not data_adapter.is_batch_source(x):
            train = self._arrays(x, y, sample_weight)
        feed = self._feed(x, train, batch_size, steps_per_epoch, shuffle, class_weight)
        batch = batch_size or (feed.batch_size if isinstance(feed, ArrayFeed) else None)
        validation_feed = self._validation_feed(
            validation, validation_batch_size or batch, validation_steps
        )
        engine.prepare(feed, training=True)
        if validation_feed is not None:
            engine.prepare(validation_feed, training=False)
        listeners = self._listeners(callbacks, verbose, feed.steps, epochs, add_history=True)
        self._initial_epoch: int | None = None  # a callback that restores a training sets it
        listeners.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in range(self._initial_epoch or initial_epoch, epochs):
            self.reset_metrics()
            listeners.on_epoch_begin(epoch)
            engine.train_epoch(feed, listeners)
            logs = engine.results()
            if validation_feed is not None and _validates(validation_freq, epoch):
                found = self._evaluate(validation_feed, listeners)
                logs |= {f"val_{name}": value for name, value in found.items()}
            listeners.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        self.optimizer.finalize_variable_values(self.trainable_variables)  # type: ignore[attr-defined]
        listeners.on_train_end(logs)
        assert self.history is not None
        return self.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and metrics on data, in inference mode.

        Args:
            x: Inputs, as for `fit`.
            y: Targets, as for `fit`.
            batch_size: Samples of a step, 32 by default.
            verbose: 0 silent, 1 a progress bar, 2 a single line.
            sample_weight: Weight of each sample.
            steps: Batches to take; by default all.
            callbacks: Callbacks.
            return_dict: Whether to return a dict by name.

        Returns:
            The loss, or `[loss, metric, ...]`, or a dict.
        """
        engine = self._compiled_engine("evaluate")
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        arrays = None if data_adapter.is_batch_source(x) else self._arrays(x, y, sample_weight)
        feed = self._feed(x, arrays, batch_size, steps, shuffle=False)
        engine.prepare(feed, training=False)
        logs = self._evaluate(feed, self._listeners(callbacks, verbose, feed.steps))
        return logs if return_dict else self._compilation.in_order(logs)  # type: ignore[union-attr]

    def _evaluate(self, feed: Any, listeners: CallbackList) -> dict[str, Any]:
        engine = self._compiled_engine("evaluate")
        self.stop_evaluating = False
        listeners.on_test_begin()
        self.reset_metrics()
        engine.test_epoch(feed, listeners)
        logs = engine.results()
        listeners.on_test_end(logs)
        return logs

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Outputs for inputs, in inference mode. Any number of threads may predict at once.

        Args:
            x: Inputs, as for `fit`.
            batch_size: Samples of a step as callbacks and the progress bar count them.
            verbose: 0 silent, 1 a progress bar, 2 a single line.
            steps: Batches to take; by default all.
            callbacks: Callbacks.

        Returns:
            An array with one row for each sample, or a structure of them like the outputs.
        """
        if self._predictor is None:
            self._predictor = Predictor(self)
        return self._predictor.predict(x, batch_size, verbose, steps, callbacks)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[Any, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Make one step of training on one batch.

        Args:
            x: Inputs.
            y: Targets.
            sample_weight: Weight of each sample.
            class_weight: Weight of each class number.
            return_dict: Whether to return a dict by name.

        Returns:
            Loss and metrics over the batches since `reset_metrics`.
        """
        engine = self._compiled_engine("train_on_batch")
        y, sample_weight = _with_class_weight(x, y, class_weight, sample_weight)
        data = self._arrays(x, y, sample_weight)
        engine.train_batch(data)
        logs = engine.results()
        return logs if return_dict else self._compilation.in_order(logs)  # type: ignore[union-attr]

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics on one batch, added to those since `reset_metrics`."""
        engine = self._compiled_engine("test_on_batch")
        engine.test_batch(self._arrays(x, y, sample_weight))
        logs = engine.results()
        return logs if return_dict else self._compilation.in_order(logs)  # type: ignore[union-attr]

    def predict_on_batch(self, x: Any) -> Any:
        """Outputs for one batch of inputs."""
        return self.predict(x, verbose=0)

    def _listeners(
        self,
        callbacks: Any,
        verbose: Any,
        steps: int | None,
        epochs: int = 1,
        add_history: bool = False,
    ) -> CallbackList:
        model: Any = self
        return CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose != 0,
            model=model,
            verbose=1 if verbose == "auto" else verbose,
            epochs=epochs,
            steps=steps,
        )

    # Data.

    def _input_names(self, x: Any) -> list[str]:
        inputs = getattr(self, "_inputs", None) or getattr(self, "inputs", None)
        if inputs:
            return [tensor.name for tensor in inputs]
        if isinstance(x, dict):
            return sorted(x)
        several = isinstance(x, (list, tuple)) and any(isinstance(a, np.ndarray) for a in x)
        return [f"input_{i}" for i in range(len(x))] if several else ["input_0"]

    def _target_names(self, y: Any) -> list[str]:
        outputs = getattr(self, "output", None) if getattr(self, "outputs", None) else None
        names = (
            sorted(outputs) if isinstance(outputs, dict) else getattr(self, "output_names", None)
        )
        if names:
            return list(names)
        if isinstance(y, dict):
            return sorted(y)
        several = isinstance(y, (list, tuple)) and any(isinstance(a, np.ndarray) for a in y)
        return [f"output_{i}" for i in range(len(y))] if several else ["output_0"]

    def _arrays(self, x: Any, y: Any, sample_weight: Any) -> Arrays:
        names = self._target_names(y)
        inputs = data_adapter.flatten_like(x, self._input_names(x), "x")
        if not inputs:
            raise ValueError("Invalid value for argument `x`. Expected an array. Received: None")
        targets = data_adapter.flatten_like(y, names, "y")
        weights = data_adapter.weights_like(sample_weight, names[: len(targets)])
        data_adapter.check_counts({"x": inputs, "y": targets, "sample_weight": weights})
        return Arrays(inputs, targets, weights, self._input_form(x, len(inputs)))

    def _input_form(self, x: Any, count: int) -> Any:
        """How the model takes its inputs: as it was made, or as they were given."""
        if not getattr(self, "inputs", None) and isinstance(x, dict):
            return dict.fromkeys(x)
        return None if count == 1 else [None] * count

    def _split(self, x: Any, y: Any, sample_weight: Any, share: float) -> tuple[Arrays, Arrays]:
        if data_adapter.is_batch_source(x):
            raise ValueError(
                "`validation_split` is only supported for NumPy arrays. "
                f"Received: x of type {type(x)}"
            )
        return data_adapter.split_validation(self._arrays(x, y, sample_weight), share)

    def _feed(
        self,
        x: Any,
        arrays: Arrays | None,
        batch_size: int | None,
        steps: int | None,
        shuffle: bool,
        class_weight: dict[Any, float] | None = None,
    ) -> ArrayFeed | SourceFeed:
        _check_positive("steps_per_epoch", steps)
        if arrays is not None:
            if batch_size is None:
                batch_size = -(-arrays.samples // steps) if steps else 32
            _check_positive("batch_size", batch_size)
            data_adapter.check_numbers(arrays.x, "x")
            data_adapter.check_numbers(arrays.y, "y")
            return ArrayFeed(arrays, batch_size, shuffle, steps)

        def convert(batch: Any) -> Arrays:
            inputs, targets, weight = data_adapter.unpack(batch)
            targets, weight = _with_class_weight(inputs, targets, class_weight, weight)
            return self._arrays(inputs, targets, weight)

        return SourceFeed(data_adapter.BatchSource(x, shuffle), convert, steps)

    def _validation_feed(self, data: Any, batch_size: int | None, steps: int | None) -> Any:
        if data is None:
            return None
        if isinstance(data, Arrays):
            return self._feed(None, data, batch_size, steps, shuffle=False)
        if data_adapter.is_batch_source(data):
            return self._feed(data, None, None, steps, shuffle=False)
        x, y, weight = data_adapter.unpack(data)
        if data_adapter.is_batch_source(x):
            return self._feed(x, None, None, steps, shuffle=False)
        return self._feed(None, self._arrays(x, y, weight), batch_size, steps, shuffle=False)

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`, serialised."""
        if not self.compiled:
            return {}
        from convnet.saving import serialization

        return dict(serialization.serialize_keras_object(self._compile_arguments))

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` says, and build the optimizer.

        Args:
            config: Serialised arguments of `compile`.
        """
        from convnet.saving import serialization

        self.compile(**serialization.deserialize_keras_object(config))
        if getattr(self, "built", False):
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]

    def _compiled_engine(self, method: str) -> Engine:
        if self._engine is None:
            raise ValueError(
                f"You must call `compile()` before calling `{method}()`. "
                f"Received: model {getattr(self, 'name', '')!r}, which is not compiled."
            )
        return self._engine


def _with_class_weight(x: Any, y: Any, class_weight: Any, sample_weight: Any) -> tuple[Any, Any]:
    if class_weight is None or data_adapter.is_batch_source(x):
        return y, sample_weight
    if sample_weight is not None:
        raise ValueError("You cannot `class_weight` and `sample_weight` at the same time.")
    if (
        isinstance(y, (list, tuple, dict))
        and len(tree.flatten(y)) > 1
        and not np.isscalar(tree.flatten(y)[0])
    ):
        raise ValueError("`class_weight` is only supported for Models with a single output.")
    target = data_adapter.as_array(y, "y")
    return y, data_adapter.class_weights_to_sample_weights(target, class_weight)


def _validates(frequency: Any, epoch: int) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _check_positive(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or int(value) != value or value < 1):
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a positive integer. Received: {value}"
        )
