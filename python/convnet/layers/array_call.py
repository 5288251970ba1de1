"""Calls of layers and models on arrays: traced once for each signature, then run from a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from convnet import tree
from convnet.execution import PlannedCall, sample_count, step_capacity
from convnet.tracing import GraphTensor
from convnet.variables import Variable


def call_on_arrays(layer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Apply a layer to arrays that have a row for each sample.

    Args:
        layer: The layer.
        args: Positional arguments; arrays among them are data.
        kwargs: Keyword arguments.

    Raises:
        ValueError: if there is no sample, or the numbers of samples differ.
    """
    structure = tree.map_structure(
        lambda x: x.value if isinstance(x, Variable) else x, (args, kwargs)
    )
    arrays = [leaf for leaf in tree.flatten(structure) if _is_data(leaf)]
    samples = sample_count(arrays) if arrays else 0
    if samples == 0:
        raise ValueError(
            f"Layer '{layer.name}' needs at least one sample. "
            f"Received arrays of shapes: {[array.shape for array in arrays]}"
        )
    capacity = samples if kwargs.get("training") else step_capacity(samples)
    shapes = [array.shape[1:] for array in arrays]
    static = tree.map_structure(lambda x: ... if _is_data(x) else x, structure)

    def call(tensors: list[GraphTensor]) -> Any:
        rest = iter(tensors)
        args, kwargs = tree.map_structure(lambda x: next(rest) if x is ... else x, static)
        return layer(*args, **kwargs)

    key = (repr(static), tuple(shapes), capacity)
    plan = layer._plans.get(key, lambda: PlannedCall(call, shapes, capacity))
    return plan(arrays)


def _is_data(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.ndim > 0
