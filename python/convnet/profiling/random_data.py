"""Random data of the shapes that a model takes: enough to measure it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from convnet.layers import Embedding
from convnet.losses import SparseCategoricalCrossentropy

_OPEN_SIZE = 32  # what stands for sizes that a model leaves open
_CLASSES = 2  # of targets, where the output does not tell


def random_inputs(model: Any, samples: int, seed: int = 0) -> Any:
    """Inputs for a model: numbers from 0 to 1, whole ones where an embedding looks them up.

    Args:
        model: A model that knows its inputs.
        samples: Number of samples.
        seed: Seed of the numbers.

    Returns:
        An array, or a list of them.

    Raises:
        ValueError: if the model does not know its inputs.

    Example:

    >>> from convnet import Sequential, layers
    >>> random_inputs(Sequential([layers.Input((4,)), layers.Dense(2)]), 3).shape
    (3, 4)
    """
    tensors = getattr(model, "inputs", None)
    if not tensors:
        raise ValueError(
            f"The model {model.name!r} does not say what inputs it takes: call it on data first, "
            "or begin it with an `Input`."
        )
    generator = np.random.default_rng(seed)
    arrays = [_random_input(tensor, samples, generator) for tensor in tensors]
    return arrays[0] if len(arrays) == 1 else arrays


def random_targets(model: Any, samples: int, seed: int = 0) -> Any:
    """Targets for a compiled model: class numbers for sparse losses, else zeros and ones.

    Args:
        model: A compiled model that knows its outputs.
        samples: Number of samples.
        seed: Seed of the numbers.

    Returns:
        An array, or a list of them.

    Example:

    >>> from convnet import Sequential, layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    >>> model.compile(loss="sparse_categorical_crossentropy")
    >>> random_targets(model, 5).shape
    (5,)
    """
    generator = np.random.default_rng(seed)
    shapes = [_closed(tensor.shape[1:]) for tensor in model.outputs]
    compilation = copy.copy(model._compilation)
    batched = [(None, *shape) for shape in shapes]
    compilation.build(model.output_names, batched, batched)
    arrays = [
        generator.integers(0, shape[-1], (samples, *shape[:-1]))
        if isinstance(loss, SparseCategoricalCrossentropy)
        else generator.integers(0, _CLASSES, (samples, *shape)).astype(np.float32)
        for loss, shape in zip(compilation.losses, shapes, strict=True)
    ]
    return arrays[0] if len(arrays) == 1 else arrays


def _random_input(tensor: Any, samples: int, generator: np.random.Generator) -> np.ndarray:
    shape = (samples, *_closed(tensor.shape[1:]))
    if sizes := list(_table_sizes(tensor)):
        return generator.integers(0, min(sizes), shape)
    return generator.random(shape, dtype=np.float32)


def _table_sizes(tensor: Any) -> Iterator[int]:
    """Rows of the embeddings that read an input, also inside of nested models."""
    for node in tensor._keras_history.operation._outbound_nodes:
        if isinstance(node.operation, Embedding):
            yield node.operation.input_dim
        for inner in getattr(node.operation, "inputs", None) or ():
            yield from _table_sizes(inner)


def _closed(shape: Any) -> tuple[int, ...]:
    return tuple(_OPEN_SIZE if size is None else size for size in shape)
