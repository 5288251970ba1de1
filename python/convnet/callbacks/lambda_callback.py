"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convnet.callbacks.callback import Callback


class LambdaCallback(Callback):
    """A callback whose hooks are given as functions.

    Args:
        on_epoch_begin: Called with `epoch, logs` at the start of an epoch.
        on_epoch_end: Called with `epoch, logs` at the end of an epoch.
        on_train_begin: Called with `logs` at the start of training.
        on_train_end: Called with `logs` at the end of training.
        on_train_batch_begin: Called with `batch` and the keyword `logs` before a batch.
        on_train_batch_end: Called with `batch` and the keyword `logs` after a batch.
        **kwargs: Any other hook of `Callback`.

    Example:

    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    >>> callback.on_epoch_end(0, {"loss": 0.5})
    0 {'loss': 0.5}
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        self.__dict__.update(kwargs)
        self.__dict__.update({name: hook for name, hook in hooks.items() if hook is not None})
