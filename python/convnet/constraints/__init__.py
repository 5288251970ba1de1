"""Constraints: projections applied to weights after each step."""

from typing import Any

from convnet import identifiers
from convnet.constraints.constraint import Constraint
from convnet.constraints.norms import MaxNorm, MinMaxNorm, NonNeg, UnitNorm

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

ALL_OBJECTS_DICT = identifiers.table_of([Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm])


def serialize(constraint: Any) -> Any:
    """Gives the JSON form of a constraint, as Keras writes it.

    Args:
        constraint: A `Constraint`.
    """
    return identifiers.serialize(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Builds a constraint from its name or JSON form, in the style of Keras 2 or 3.

    Args:
        config: A name or `{"class_name": ..., "config": {...}}`.
        custom_objects: Further classes by name.
    """
    return identifiers.deserialize(config, ALL_OBJECTS_DICT, custom_objects)


def get(identifier: Any) -> Any:
    """Gives the constraint that `identifier` means.

    Args:
        identifier: None, a name (`"max_norm"`), a config, a class, a constraint or a function
            `f(w)`.

    Raises:
        ValueError: If there is no such constraint.

    Example:

    >>> get("max_norm").max_value
    2
    """
    return identifiers.resolve(identifier, ALL_OBJECTS_DICT, "constraint")


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "serialize",
]
