"""Calls of layers and models on arrays: traced once for each signature, then run from a plan."""

from __future__ import annotations

from collections.abc import Hashable
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
    capacity = _capacity(samples, kwargs)
    shapes = [array.shape[1:] for array in arrays]
    static = tree.map_structure(lambda x: ... if _is_data(x) else x, structure)

    def call(tensors: list[GraphTensor]) -> Any:
        rest = iter(tensors)
        args, kwargs = tree.map_structure(lambda x: next(rest) if x is ... else x, static)
        return layer(*args, **kwargs)

    key = (repr(static), tuple(shapes), capacity)
    plan = layer._plans.get(key, lambda: PlannedCall(call, shapes, capacity))
    plain = _plain_key(args, kwargs)
    if plain is not None and plan.takes_one:
        layer._plans.get(plain, lambda: plan)
    return plan(arrays)


def plan_of_array(layer: Any, args: Any, kwargs: dict[str, Any]) -> PlannedCall | None:
    """The plan of an earlier call, if that was made with one array like this one, or None.

    Its `run_one` takes the array.
    """
    key = _plain_key(args, kwargs)
    plan: PlannedCall | None = None if key is None else layer._plans.find(key)
    return plan


def _plain_key(args: Any, kwargs: dict[str, Any]) -> Hashable | None:
    """What the plan of a call on one array depends on; None for any other call."""
    if len(args) != 1 or type(args[0]) is not np.ndarray or not kwargs.keys() <= {"training"}:
        return None
    x, training = args[0], kwargs.get("training")
    if not x.ndim or not len(x) or not x.flags.c_contiguous or not x.dtype.isnative:
        return None
    if training is not None and type(training) is not bool:
        return None
    return x.shape[1:], x.dtype, training, _capacity(len(x), kwargs)


def _capacity(samples: int, kwargs: dict[str, Any]) -> int:
    return samples if kwargs.get("training") else step_capacity(samples)


def _is_data(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.ndim > 0
