"""The methods by which a model is compiled, trained, evaluated and asked for predictions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeVar, cast

from convnet import config, optimizers
from convnet.callbacks import CallbackList, History
from convnet.metrics import Metric
from convnet.training.arguments import (
    check_epochs,
    check_frequency,
    check_positive,
    check_share,
    check_verbose,
)
from convnet.training.compilation import Compilation
from convnet.training.engine import Engine
from convnet.training.feeds import ArrayFeed, SourceFeed
from convnet.training.model_data import ModelData, array_feed, with_class_weight
from convnet.training.prediction import Predictor

# Methods that Keras calls for each step where a subclass overrides them.
_OWN_STEPS = (
    "train_step",
    "test_step",
    "compute_loss",
    "compute_metrics",
    "make_train_function",
    "make_test_function",
)


_Method = TypeVar("_Method", bound=Callable[..., Any])


def _on_own_device(method: _Method) -> _Method:
    """Let a method of a model compute on the device that it was compiled for."""

    @functools.wraps(method)
    def on_own_device(self: Trainer, *args: Any, **kwargs: Any) -> Any:
        if self._device is None:
            return method(self, *args, **kwargs)
        with config.device(self._device):
            return method(self, *args, **kwargs)

    return cast(_Method, on_own_device)


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
        self._device: str | None = None
        self._engine: Engine | None = None
        self._predictor: Predictor | None = None
        self._data = ModelData(self)

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
        device: str | None = None,
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
            device: Where `fit`, `evaluate`, `predict` and the like compute: `"cpu"`, `"gpu"`,
                `"gpu:1"`; by default the device of `convnet.config.get_device()` at the time.

        Raises:
            ValueError: if `device` names no device.
            RuntimeError: if there is no such GPU; the message says what is missing.

        >>> from convnet import Sequential, layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
        """
        self._device = None if device is None else config.available_device(device)
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

    @_on_own_device
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
        engine = self._training_engine("fit")
        check_epochs(epochs=epochs, initial_epoch=initial_epoch)
        check_positive(steps_per_epoch=steps_per_epoch, validation_steps=validation_steps)
        check_positive(batch_size=batch_size, validation_batch_size=validation_batch_size)
        check_frequency(validation_freq)
        check_share(validation_split)
        check_verbose(verbose)
        self.stop_training = False
        validation_feed: ArrayFeed | SourceFeed | None = None
        if validation_split and validation_data is None:
            train, rest = self._data.split(x, y, sample_weight, validation_split, class_weight)
            feed: ArrayFeed | SourceFeed = array_feed(train, batch_size, steps_per_epoch, shuffle)
            size = validation_batch_size or batch_size
            validation_feed = array_feed(rest, size, validation_steps, shuffle=False)
        else:
            feed = self._data.feed(
                x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight
            )
        if validation_data is not None:
            size = validation_batch_size or batch_size
            validation_feed = self._data.validation_feed(validation_data, size, validation_steps)
        engine.prepare(feed, training=True)
        if validation_feed is not None:
            engine.prepare(validation_feed, training=False)
        listeners = self._listeners(callbacks, verbose, feed.steps, epochs, add_history=True)
        self._initial_epoch: int | None = None  # a callback that restores a training sets it
        listeners.on_train_begin()
        logs: dict[str, Any] = {}
        with engine.kept([feed, validation_feed]):
            for epoch in range(self._initial_epoch or initial_epoch, epochs):
                self.reset_metrics()
                listeners.on_epoch_begin(epoch)
                logs = engine.results() if engine.train_epoch(feed, listeners) else {}
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

    @_on_own_device
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
        check_positive(batch_size=batch_size, steps=steps)
        check_verbose(verbose)
        feed = self._data.feed(x, y, sample_weight, batch_size, steps)
        engine.prepare(feed, training=False)
        logs = self._evaluate(feed, self._listeners(callbacks, verbose, feed.steps))
        return logs if return_dict else self._compilation.in_order(logs)  # type: ignore[union-attr]

    def _evaluate(self, feed: Any, listeners: CallbackList) -> dict[str, Any]:
        engine = self._compiled_engine("evaluate")
        self.stop_evaluating = False
        listeners.on_test_begin()
        self.reset_metrics()
        feed.restart()
        logs = engine.results() if engine.test_epoch(feed, listeners) else {}
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
        if self._device is not None and self._device != config.get_device():
            with config.device(self._device):
                return self.predict(x, batch_size, verbose, steps, callbacks)
        if self._predictor is None:
            self._refuse_own(("predict_step", "make_predict_function"))
            self._predictor = Predictor(self)
        return self._predictor.predict(x, batch_size, verbose, steps, callbacks)

    @_on_own_device
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
            Loss and metrics of the batch, as `evaluate` returns them.
        """
        engine = self._training_engine("train_on_batch")
        y, sample_weight = with_class_weight(y, class_weight, sample_weight)
        data = self._data.arrays(x, y, sample_weight)
        self.reset_metrics()
        engine.train_batch(data)
        logs = engine.results()
        return logs if return_dict else self._compilation.in_order(logs)  # type: ignore[union-attr]

    @_on_own_device
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics on one batch."""
        engine = self._compiled_engine("test_on_batch")
        data = self._data.arrays(x, y, sample_weight)
        self.reset_metrics()
        engine.test_batch(data)
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
        self._refuse_own(_OWN_STEPS)
        return self._engine

    def _refuse_own(self, methods: tuple[str, ...]) -> None:
        own = [name for name in methods if hasattr(type(self), name)]
        if own:
            raise NotImplementedError(
                f"Steps run as plans: a model cannot override {', '.join(own)}. Use a `Loss`, a "
                f"`Metric`, `add_loss` or a callback instead. Received: {type(self).__name__}"
            )

    def _training_engine(self, method: str) -> Engine:
        engine = self._compiled_engine(method)
        if self.optimizer is None:
            raise ValueError(f"`{method}()` needs an optimizer. Received: compile(optimizer=None)")
        return engine


def _validates(frequency: Any, epoch: int) -> bool:
    if isinstance(frequency, Integral):
        return (epoch + 1) % int(frequency) == 0
    return epoch + 1 in frequency
