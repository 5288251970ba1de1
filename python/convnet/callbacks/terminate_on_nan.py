"""The callback that stops when the loss is no longer a number."""

from __future__ import annotations

import math

from convnet.callbacks.callback import Callback
from convnet.callbacks.logs import Logs
from convnet.utils.io_utils import print_msg


class TerminateOnNaN(Callback):
    """Stops training at the first batch after which the loss is NaN or infinite.

    Args:
        raise_error: Whether to raise an error instead of ending training gracefully.

    Raises:
        RuntimeError: During training, if `raise_error`.

    Example:

    >>> TerminateOnNaN(raise_error=True).on_batch_end(3, {"loss": float("nan")})
    Traceback (most recent call last):
    RuntimeError: NaN or Inf loss encountered at batch 3. Loss value: nan. \
Terminating training immediately.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. "
                f"Loss value: {loss}. Terminating training immediately."
            )
        print_msg(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
