"""Targets and predictions of every kind, for losses and metrics."""

import numpy as np

SHAPES = [(7, 4), (3, 5, 4), (33, 1)]
CLASS_SHAPES = [(7, 4), (3, 5, 4)]


def rng(shape):
    return np.random.default_rng(sum(shape))


def numbers(shape):
    return rng(shape).normal(size=shape), rng(shape).normal(1.0, 2.0, size=shape)


def positive(shape):
    targets, predictions = numbers(shape)
    return np.abs(targets) + 0.1, np.abs(predictions) + 0.1


def binary(shape):
    return (rng(shape).random(shape) < 0.5) * 1.0, rng((*shape, 1)).random(shape)


def distributions(shape):
    targets, predictions = (np.exp(x) for x in numbers(shape))
    return [x / x.sum(-1, keepdims=True) for x in (targets, predictions)]


def one_hot(shape):
    labels, predictions = sparse(shape)
    return np.eye(shape[-1])[labels], predictions


def sparse(shape):
    labels = rng(shape).integers(shape[-1], size=shape[:-1])
    return labels, distributions(shape)[1]


def sparse_logits(shape):
    return sparse(shape)[0], numbers(shape)[1]


def one_hot_logits(shape):
    return one_hot(shape)[0], numbers(shape)[1]


def binary_logits(shape):
    return binary(shape)[0], numbers(shape)[1]


def each(kinds, shapes=SHAPES):
    """All of `(name, kind, arguments)` with all shapes."""
    return [(*kind, shape) for kind in kinds for shape in shapes]


def label(value):
    return getattr(value, "__name__", str(value))
