"""Floating-point operations of a model, counted layer by layer.

Every multiply-add with a weight counts as two; what layers do apart from their weights is not
counted. A training step takes about three times the forward operations: one forward, one for the
gradient of the inputs and one for that of the weights.
"""

from __future__ import annotations

from math import prod
from typing import Any

from bench import registry

TRAINING_FACTOR = 3


def of_step(model: Any, mode: str, batch: int) -> float:
    """Operations of one step on so many samples."""
    factor = TRAINING_FACTOR if mode == registry.TRAINING else 1
    return float(factor * batch * sum(of_layer(layer) for layer in model.layers))


def of_layer(layer: Any) -> int:
    """Operations of a layer on one sample: its weights, each used once at every position."""
    kind = type(layer).__name__
    if kind == "Embedding":
        return 0
    matrices = sum(prod(w.shape) for w in layer.trainable_weights if len(w.shape) > 1)
    return 2 * matrices * _positions(layer, kind) if matrices else 0


def _positions(layer: Any, kind: str) -> int:
    if kind in ("Bidirectional", "LSTM", "GRU", "SimpleRNN"):
        return int(layer.input.shape[1])
    return prod(layer.output.shape[1:-1])
