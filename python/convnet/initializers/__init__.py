"""Initializers: the first values of weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convnet import identifiers
from convnet.initializers.constant import Constant, Identity, Ones, Zeros
from convnet.initializers.initializer import Initializer
from convnet.initializers.orthogonal import Orthogonal
from convnet.initializers.random import RandomNormal, RandomUniform, TruncatedNormal
from convnet.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
    compute_fans,
)
from convnet.random import Shape

constant = Constant
zeros = Zeros
ones = Ones
identity = IdentityInitializer = Identity
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
he_uniform = HeUniform
he_normal = HeNormal
lecun_uniform = LecunUniform
lecun_normal = LecunNormal
orthogonal = OrthogonalInitializer = Orthogonal

ALL_OBJECTS_DICT = identifiers.table_of(
    [
        Initializer,
        Constant,
        Identity,
        Ones,
        Zeros,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        LecunNormal,
        LecunUniform,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
    ],
    {
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
        "normal": RandomNormal,
        "one": Ones,
        "uniform": RandomUniform,
        "zero": Zeros,
    },
)


def serialize(initializer: Any) -> Any:
    """Gives the JSON form of an initializer, as Keras writes it.

    Args:
        initializer: An `Initializer`.
    """
    return identifiers.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Builds an initializer from its name or JSON form, in the style of Keras 2 or 3.

    Args:
        config: A name or `{"class_name": ..., "config": {...}}`.
        custom_objects: Further classes by name.
    """
    return identifiers.deserialize(config, ALL_OBJECTS_DICT, custom_objects)


def get(identifier: Any) -> Any:
    """Gives the initializer that `identifier` means.

    Args:
        identifier: None, a name (`"glorot_uniform"`), a config, a class, an initializer, a function
            `f(shape, dtype)`, or an array with the values themselves.

    Raises:
        ValueError: If there is no such initializer.

    Example:

    >>> type(get("he_normal")).__name__
    'HeNormal'
    """
    if isinstance(identifier, np.ndarray | np.generic):
        return _from_array(identifier)
    return identifiers.resolve(identifier, ALL_OBJECTS_DICT, "initializer")


def _from_array(values: NDArray[Any] | np.generic) -> Callable[..., NDArray[Any]]:
    def initialize(shape: Shape, dtype: DTypeLike | None = None) -> NDArray[Any]:
        if tuple(shape) != values.shape:
            raise ValueError(
                f"Expected `shape` to be {values.shape} for direct tensor as initializer. "
                f"Received shape={shape}"
            )
        return np.array(values, dtype=dtype or np.float32)

    return initialize


__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "deserialize",
    "get",
    "serialize",
]
