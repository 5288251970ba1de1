"""Cross-entropy of logits, in float64."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax_crossentropy(logits: Array, targets: Array, smoothing: float = 0.0) -> Array:
    """Losses of `logits [.., C]` for `targets [.., C]`."""
    smoothed = targets * (1 - smoothing) + smoothing / logits.shape[-1]
    return -(smoothed * log_softmax(logits)).sum(axis=-1)


def sparse_softmax_crossentropy(logits: Array, labels: Array, ignored: int | None = None) -> Array:
    """Losses of `logits [.., C]` for `labels [..]`; NaN where a label is no class."""
    labels = labels.reshape(logits.shape[:-1])
    hot = labels[..., None] == np.arange(logits.shape[-1])
    loss = -np.where(hot, log_softmax(logits), 0.0).sum(axis=-1)
    loss = np.where(hot.any(axis=-1), loss, np.nan)
    return loss if ignored is None else np.where(labels == ignored, 0.0, loss)


def sigmoid_crossentropy(logits: Array, targets: Array, smoothing: float = 0.0) -> Array:
    """Element by element."""
    smoothed = targets * (1 - smoothing) + smoothing / 2
    return np.logaddexp(0, logits) - logits * smoothed
