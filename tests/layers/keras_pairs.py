"""Layers of convnet and of Keras with the same arguments and weights, side by side."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import convnet
from convnet.saving.serialization import serialize_keras_object


@dataclass
class Case:
    """A layer and the shape of its input.

    Attributes:
        make: Takes the `layers` module, returns the layer.
        shape: Shape of the input with the batch; a list of shapes for several inputs.
        integers: Upper bound of whole-number inputs; None for real ones.
        tolerance: Largest difference of outputs.
    """

    make: Callable[[Any], Any]
    shape: Any
    integers: int | None = None
    tolerance: float = 2e-5
    kwargs: dict[str, Any] = field(default_factory=dict)


def inputs_of(case: Case, seed: int = 0) -> Any:
    """Random inputs."""
    rng = np.random.default_rng(seed)

    def draw(shape):
        if case.integers is not None:
            return rng.integers(0, case.integers, shape).astype("int32")
        return rng.normal(size=shape).astype("float32")

    if isinstance(case.shape, list):
        return [draw(shape) for shape in case.shape]
    return draw(case.shape)


def functional(library: Any, case: Case) -> Any:
    """A functional model of the layer alone, flattened where it returns several tensors."""
    dtype = "int32" if case.integers is not None else "float32"
    shapes = case.shape if isinstance(case.shape, list) else [case.shape]
    inputs = [library.Input(shape[1:], dtype=dtype) for shape in shapes]
    outputs = case.make(library.layers)(
        inputs if isinstance(case.shape, list) else inputs[0], **case.kwargs
    )
    return library.Model(inputs if isinstance(case.shape, list) else inputs[0], outputs)


def randomize(model: Any, seed: int = 1) -> None:
    """Weights that are neither zero nor one; variances stay positive."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            rng.uniform(0.1, 0.9, w.shape).astype("float32") - 0.3 * (w.ndim > 1)
            for w in model.get_weights()
        ]
    )


def pair(keras: Any, case: Case) -> tuple[Any, Any]:
    """The models of both libraries with the same weights."""
    keras.utils.clear_session()
    convnet.config.clear_session()
    theirs, ours = functional(keras, case), functional(convnet, case)
    randomize(theirs)
    ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    return theirs, ours


def config_of(layer: Any) -> Any:
    """The serialised form of a layer of convnet, without what may differ."""
    return comparable(serialize_keras_object(layer))


def comparable(config: Any) -> Any:
    """A config without object ids and missing activity regularizers, floats in single precision."""
    if isinstance(config, dict):
        dropped = {"shared_object_id"}
        if config.get("activity_regularizer", 0) is None:
            dropped.add("activity_regularizer")
        return {key: comparable(value) for key, value in config.items() if key not in dropped}
    if isinstance(config, (list, tuple)):
        return [comparable(value) for value in config]
    return float(np.float32(config)) if isinstance(config, float) else config
