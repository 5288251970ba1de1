"""The base class of callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from convnet.callbacks.logs import Logs

if TYPE_CHECKING:
    from convnet.models.model import Model

Hook = TypeVar("Hook", bound=Callable[..., Any])

_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


def needed_when(condition: Callable[[Any], bool]) -> Callable[[Hook], Hook]:
    """Marks a batch hook that must be called for each batch only under a condition.

    Args:
        condition: Called with the callback. An override without this mark always needs
            its batches.

    Example:

    >>> class Every(Callback):
    ...     @needed_when(lambda callback: callback.on)
    ...     def on_train_batch_end(self, batch, logs=None): ...
    >>> every = Every()
    >>> every.on = False
    >>> needs_batches(every, "train")
    False
    """

    def mark(hook: Hook) -> Hook:
        hook._needed = condition  # type: ignore[attr-defined]
        return hook

    return mark


def needs_batches(callback: Any, mode: str) -> bool:
    """Says whether a callback has a hook that must be called for each batch.

    Args:
        callback: The callback.
        mode: `"train"`, `"test"` or `"predict"`.

    Example:

    >>> needs_batches(Callback(), "train")
    False
    """
    for name in _BATCH_HOOKS[mode]:
        condition = getattr(getattr(callback, name, None), "_needed", None)
        if condition is None or condition(callback):
            return True
    return False


_unneeded = needed_when(lambda callback: False)


class Callback:
    """Base class of callbacks; override the hooks of interest.

    `logs` are a dictionary of plain floats that is the same object for all callbacks of one
    call: what a callback adds to it, those after it see. Batch hooks that nobody overrides
    cost nothing: the training loop then runs many steps at once.

    Attributes:
        params: Dictionary with `verbose`, `epochs` and `steps`.
        model: The model that is trained.

    Example:

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"loss {logs['loss']} after epoch {epoch}!")
    >>> Shout().on_epoch_end(0, {"loss": 0.5})
    loss 0.5 after epoch 0!
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives `verbose`, `epochs` and `steps`.

        Args:
            params: The dictionary that becomes `self.params`.
        """
        self.params = params

    def set_model(self, model: Model) -> None:
        """Receives the model.

        Args:
            model: What becomes `self.model`.
        """
        self._model = model

    @property
    def model(self) -> Any:
        """The model that is trained; `None` before `set_model`."""
        return self._model

    @_unneeded
    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    @_unneeded
    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called at the start of an epoch of `fit`.

        Args:
            epoch: Index of the epoch, from 0.
            logs: Empty.
        """

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called at the end of an epoch of `fit`, after its validation.

        Args:
            epoch: Index of the epoch, from 0.
            logs: Loss and metrics of the epoch, those of validation with prefix `val_`.
        """

    @_unneeded
    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of `fit`.

        Args:
            batch: Index of the batch within the epoch.
            logs: Empty.
        """
        self.on_batch_begin(batch, logs=logs)

    @_unneeded
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of `fit`.

        Args:
            batch: Index of the batch within the epoch.
            logs: Loss and metrics of the epoch so far.
        """
        self.on_batch_end(batch, logs=logs)

    @_unneeded
    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of `evaluate` and of validation.

        Args:
            batch: Index of the batch.
            logs: Empty.
        """

    @_unneeded
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of `evaluate` and of validation.

        Args:
            batch: Index of the batch.
            logs: Loss and metrics so far.
        """

    @_unneeded
    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of `predict`.

        Args:
            batch: Index of the batch.
            logs: Empty.
        """

    @_unneeded
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of `predict`.

        Args:
            batch: Index of the batch.
            logs: The batch's predictions as `outputs`.
        """

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called at the start of `fit`.

        Args:
            logs: Empty.
        """

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called at the end of `fit`.

        Args:
            logs: What the last `on_epoch_end` was given.
        """

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called at the start of `evaluate` and of validation.

        Args:
            logs: Empty.
        """

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called at the end of `evaluate` and of validation.

        Args:
            logs: Loss and metrics.
        """

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called at the start of `predict`.

        Args:
            logs: Empty.
        """

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called at the end of `predict`.

        Args:
            logs: Empty.
        """
