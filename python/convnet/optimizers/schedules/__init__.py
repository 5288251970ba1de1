"""Learning-rate schedules: the learning rate as a function of the step."""

from typing import Any

from convnet import identifiers
from convnet.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from convnet.optimizers.schedules.decay import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from convnet.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

ALL_OBJECTS_DICT = identifiers.table_of(
    [
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        LearningRateSchedule,
        PiecewiseConstantDecay,
        PolynomialDecay,
    ]
)


def serialize(learning_rate_schedule: Any) -> Any:
    """Gives the JSON form of a schedule, as Keras writes it.

    Args:
        learning_rate_schedule: A `LearningRateSchedule`.
    """
    return identifiers.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Builds a schedule from its JSON form, in the style of Keras 2 or 3.

    Args:
        config: `{"class_name": ..., "config": {...}}`.
        custom_objects: Further classes by name.

    Example:

    >>> config = {"initial_learning_rate": 0.1, "decay_steps": 10}
    >>> type(deserialize({"class_name": "CosineDecay", "config": config})).__name__
    'CosineDecay'
    """
    return identifiers.deserialize(config, ALL_OBJECTS_DICT, custom_objects)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
