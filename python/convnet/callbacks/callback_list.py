"""Many callbacks called as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convnet import tree
from convnet.callbacks.callback import Callback, needs_batches
from convnet.callbacks.history import History
from convnet.callbacks.logs import Logs, pythonify_logs
from convnet.callbacks.progbar_logger import ProgbarLogger

if TYPE_CHECKING:
    from convnet.models.model import Model


class CallbackList(Callback):
    """Calls several callbacks in order, with logs of plain floats in alphabetical order.

    Args:
        callbacks: A callback, or a list of callbacks that may be nested, or another
            `CallbackList`, whose callbacks are taken over.
        add_history: Whether to append a `History` if there is none.
        add_progbar: Whether to append a `ProgbarLogger` if there is none.
        model: The model, passed to each callback.
        **params: Passed to each callback as its `params`.

    Raises:
        ValueError: If something in `callbacks` is not a callback object.

    Example:

    >>> callbacks = CallbackList(add_history=True, verbose=0, epochs=1, steps=10)
    >>> callbacks.on_train_begin()
    >>> callbacks.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.9})
    >>> callbacks.callbacks[0].history
    {'accuracy': [0.9], 'loss': [0.5]}
    >>> callbacks.wants_batches
    False
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Model | None = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = []
        for callback in tree.flatten(callbacks or []):
            self.append(callback)
        if add_history and not self._has(History):
            self.callbacks.append(History())
        if add_progbar and not self._has(ProgbarLogger):
            self.callbacks.append(ProgbarLogger())
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    @property
    def wants_batches(self) -> bool:
        """Whether a callback must see each batch of training; if not, many may run at once
        and `on_train_batch_end` serves to report progress every now and then."""
        return self._wants("train")

    @property
    def wants_test_batches(self) -> bool:
        """Whether a callback must see each batch of `evaluate` and validation."""
        return self._wants("test")

    @property
    def wants_predict_batches(self) -> bool:
        """Whether a callback must see each batch of `predict`."""
        return self._wants("predict")

    def append(self, callback: Callback) -> None:
        """Adds a callback at the end, or those of another list.

        Args:
            callback: The callback.

        Raises:
            ValueError: If it is not a callback object.
        """
        if isinstance(callback, CallbackList):
            self.callbacks.extend(callback.callbacks)
        else:
            self.callbacks.append(_check(callback))

    def set_params(self, params: dict[str, Any]) -> None:
        """Passes `verbose`, `epochs` and `steps` on."""
        super().set_params(params)
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Model) -> None:
        """Passes the model on, and gives it its `history`."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)
            if isinstance(callback, History):
                model.history = callback

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_batch_begin`."""
        self._call_batch("on_batch_begin", batch, pythonify_logs(logs))

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_batch_end`."""
        self._call_batch("on_batch_end", batch, pythonify_logs(logs))

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_train_batch_begin`."""
        self._call_batch("on_train_batch_begin", batch, pythonify_logs(logs))

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_train_batch_end`."""
        self._call_batch("on_train_batch_end", batch, pythonify_logs(logs))

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_test_batch_begin`."""
        self._call_batch("on_test_batch_begin", batch, pythonify_logs(logs))

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_test_batch_end`."""
        self._call_batch("on_test_batch_end", batch, pythonify_logs(logs))

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_predict_batch_begin`."""
        self._call_batch("on_predict_batch_begin", batch, dict(logs or {}))

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_predict_batch_end`, with `outputs` as they are."""
        self._call_batch("on_predict_batch_end", batch, dict(logs or {}))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_epoch_begin`."""
        self._call("on_epoch_begin", epoch, pythonify_logs(logs))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Calls each callback's `on_epoch_end`."""
        self._call("on_epoch_end", epoch, pythonify_logs(logs))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Calls each callback's `on_train_begin`."""
        self._call("on_train_begin", pythonify_logs(logs))

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Calls each callback's `on_train_end`."""
        self._call("on_train_end", pythonify_logs(logs))

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Calls each callback's `on_test_begin`."""
        self._call("on_test_begin", pythonify_logs(logs))

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Calls each callback's `on_test_end`."""
        self._call("on_test_end", pythonify_logs(logs))

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Calls each callback's `on_predict_begin`."""
        self._call("on_predict_begin", pythonify_logs(logs))

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Calls each callback's `on_predict_end`."""
        self._call("on_predict_end", pythonify_logs(logs))

    def _call(self, hook: str, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    def _call_batch(self, hook: str, batch: int, logs: Logs) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(batch, logs=logs)

    def _has(self, kind: type[Callback]) -> bool:
        return any(isinstance(callback, kind) for callback in self.callbacks)

    def _wants(self, mode: str) -> bool:
        return any(needs_batches(callback, mode) for callback in self.callbacks)


def _check(callback: Any) -> Any:
    if isinstance(callback, type) or not hasattr(callback, "set_model"):
        raise ValueError(
            "Invalid value for argument `callbacks`. Expected instances of `Callback`. "
            f"Received: {callback} (of type {type(callback)})"
        )
    return callback
