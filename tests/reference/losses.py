"""Losses in float64, by their formulas: one value for each sample and position."""

import numpy as np

EPSILON = 1e-7


def mean_squared_error(t, p):
    return np.mean((t - p) ** 2, axis=-1)


def mean_absolute_error(t, p):
    return np.mean(np.abs(t - p), axis=-1)


def mean_absolute_percentage_error(t, p):
    return 100 * np.mean(np.abs(t - p) / np.maximum(np.abs(t), EPSILON), axis=-1)


def mean_squared_logarithmic_error(t, p):
    logarithms = [np.log(np.maximum(x, EPSILON) + 1) for x in (t, p)]
    return np.mean((logarithms[0] - logarithms[1]) ** 2, axis=-1)


def huber(t, p, delta=1.0):
    error = np.abs(t - p)
    far = delta * error - delta**2 / 2
    return np.mean(np.where(error <= delta, error**2 / 2, far), axis=-1)


def log_cosh(t, p):
    return np.mean(np.log(np.cosh(p - t)), axis=-1)


def cosine_similarity(t, p, axis=-1):
    lengths = [np.linalg.norm(x, axis=axis) for x in (t, p)]
    return -np.sum(t * p, axis=axis) / np.maximum(lengths[0] * lengths[1], EPSILON**2)


def hinge(t, p):
    return np.mean(np.maximum(1 - np.where(t == 0, -1, t) * p, 0), axis=-1)


def squared_hinge(t, p):
    return np.mean(np.maximum(1 - np.where(t == 0, -1, t) * p, 0) ** 2, axis=-1)


def categorical_hinge(t, p):
    return np.maximum(np.max((1 - t) * p, axis=-1) - np.sum(t * p, axis=-1) + 1, 0)


def kl_divergence(t, p):
    t, p = np.clip(t, EPSILON, 1), np.clip(p, EPSILON, 1)
    return np.sum(t * np.log(t / p), axis=-1)


def poisson(t, p):
    return np.mean(p - t * np.log(p + EPSILON), axis=-1)


def log_softmax(x, axis=-1):
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))


def log_probabilities(p, from_logits=False, axis=-1):
    if from_logits:
        return log_softmax(p, axis)
    return np.log(np.clip(p / p.sum(axis, keepdims=True), EPSILON, 1 - EPSILON))


def categorical_crossentropy(t, p, from_logits=False, label_smoothing=0.0, axis=-1):
    t = t * (1 - label_smoothing) + label_smoothing / t.shape[-1]
    return -np.sum(t * log_probabilities(p, from_logits, axis), axis=axis)


def sparse_categorical_crossentropy(t, p, from_logits=False, ignore_class=None, axis=-1):
    logarithms = np.moveaxis(log_probabilities(p, from_logits, axis), axis, -1)
    counts = np.ones(t.shape, bool) if ignore_class is None else t != ignore_class
    labels = np.where(counts, t, 0).astype(int)[..., np.newaxis]
    return np.where(counts, -np.take_along_axis(logarithms, labels, -1)[..., 0], 0)


def binary_crossentropy(t, p, from_logits=False, label_smoothing=0.0, axis=-1):
    t = t * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:
        p = 1 / (1 + np.exp(-p))
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p), axis=axis)


def binary_focal_crossentropy(t, p, alpha=0.25, gamma=2.0, apply_class_balancing=False):
    p = np.clip(p, EPSILON, 1 - EPSILON)
    given = np.where(t == 1, p, 1 - p)
    weight = np.where(t == 1, alpha, 1 - alpha) if apply_class_balancing else 1
    return np.mean(-weight * (1 - given) ** gamma * np.log(given), axis=-1)


def categorical_focal_crossentropy(t, p, alpha=0.25, gamma=2.0):
    p = np.clip(p / p.sum(-1, keepdims=True), EPSILON, 1 - EPSILON)
    return -np.sum(alpha * (1 - p) ** gamma * t * np.log(p), axis=-1)


def categorical_generalized_cross_entropy(t, p, q=0.5):
    given = np.take_along_axis(p, t.astype(int)[..., np.newaxis], -1)[..., 0]
    return (1 - given**q) / q


def dice(t, p, axis=None):
    return 1 - 2 * np.sum(t * p, axis) / (np.sum(t, axis) + np.sum(p, axis) + EPSILON)


def tversky(t, p, alpha=0.5, beta=0.5, axis=None):
    both, missed, extra = (np.sum(x, axis) for x in (t * p, t * (1 - p), (1 - t) * p))
    return 1 - both / (both + alpha * missed + beta * extra + EPSILON)
