"""Regularizers: penalties on weights and activations that are added to the loss."""

from typing import Any

from convnet import identifiers
from convnet.regularizers.norms import L1, L1L2, L2
from convnet.regularizers.orthogonal import OrthogonalRegularizer
from convnet.regularizers.regularizer import Regularizer

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

ALL_OBJECTS_DICT = identifiers.table_of(
    [Regularizer, L1, L2, L1L2, OrthogonalRegularizer], {"l1_l2": L1L2}
)


def serialize(regularizer: Any) -> Any:
    """Gives the JSON form of a regularizer, as Keras writes it.

    Args:
        regularizer: A `Regularizer`.
    """
    return identifiers.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Builds a regularizer from its name or JSON form, in the style of Keras 2 or 3.

    Args:
        config: A name or `{"class_name": ..., "config": {...}}`.
        custom_objects: Further classes by name.
    """
    return identifiers.deserialize(config, ALL_OBJECTS_DICT, custom_objects)


def get(identifier: Any) -> Any:
    """Gives the regularizer that `identifier` means.

    Args:
        identifier: None, a name (`"l2"`), a config, a class, a regularizer or a function `f(x)`.

    Raises:
        ValueError: If there is no such regularizer.

    Example:

    >>> get("l2").l2
    0.01
    """
    return identifiers.resolve(identifier, ALL_OBJECTS_DICT, "regularizer")


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "serialize",
]
