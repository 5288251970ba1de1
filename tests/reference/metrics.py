"""Metrics in float64, by their formulas: one value for each sample and position; weighted means."""

import numpy as np


def accuracy(t, p):
    return (t == p).astype(float)


def binary_accuracy(t, p, threshold=0.5):
    return (t == (p > threshold)).astype(float)


def categorical_accuracy(t, p):
    return (t.argmax(-1) == p.argmax(-1)).astype(float)


def sparse_categorical_accuracy(t, p):
    return (t == p.argmax(-1)).astype(float)


def top_k_categorical_accuracy(t, p, k=5):
    return sparse_top_k_categorical_accuracy(t.argmax(-1), p, k)


def sparse_top_k_categorical_accuracy(t, p, k=5):
    first = np.argsort(-p, axis=-1)[..., :k]
    return np.any(first == t[..., np.newaxis], axis=-1).astype(float)


def weighted_mean(values, weights=None):
    if weights is None:
        return np.mean(values)
    weights = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    return np.average(values, weights=np.broadcast_to(weights, values.shape))


def confusion(t, p, threshold, weights=None):
    """True positives, false positives, true negatives, false negatives."""
    w = np.ones(t.shape) if weights is None else weights
    return [np.sum(w[(t == target) & ((p > threshold) == above)]) for target, above in _CELLS]


_CELLS = ((1, True), (0, True), (0, False), (1, False))
