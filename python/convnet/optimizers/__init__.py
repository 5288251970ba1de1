"""Optimizers: how gradients change weights."""

from typing import Any

from convnet import identifiers
from convnet.optimizers import schedules
from convnet.optimizers.adadelta import Adadelta
from convnet.optimizers.adagrad import Adagrad
from convnet.optimizers.adam import Adam, AdamW
from convnet.optimizers.adamax import Adamax
from convnet.optimizers.lion import Lion
from convnet.optimizers.nadam import Nadam
from convnet.optimizers.optimizer import Optimizer
from convnet.optimizers.rmsprop import RMSprop
from convnet.optimizers.sgd import SGD

ALL_OBJECTS_DICT: identifiers.Table = {
    cls.__name__.lower(): cls
    for cls in (SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Lion, Optimizer)
}


def serialize(optimizer: Any) -> Any:
    """Gives the JSON form of an optimizer, as Keras writes it; without its state.

    Args:
        optimizer: An `Optimizer`.
    """
    return identifiers.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Builds an optimizer from its JSON form, in the style of Keras 2 or 3.

    Args:
        config: `{"class_name": ..., "config": {...}}`; built-in names in any case.
        custom_objects: Further classes by name.
    """
    if isinstance(config, dict) and str(config.get("class_name")).lower() in ALL_OBJECTS_DICT:
        config = {**config, "class_name": config["class_name"].lower()}
    return identifiers.deserialize(config, ALL_OBJECTS_DICT, custom_objects)


def get(identifier: Any) -> Any:
    """Gives the optimizer that `identifier` means.

    Args:
        identifier: None, a name in any case (`"adam"`), a config, or an optimizer.

    Raises:
        ValueError: If there is no such optimizer.

    Example:

    >>> type(get("RMSprop")).__name__
    'RMSprop'
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    config = {"class_name": identifier, "config": {}} if isinstance(identifier, str) else identifier
    if isinstance(config, dict):
        known = str(config.get("class_name")).lower() in ALL_OBJECTS_DICT
        try:
            found = deserialize(config)
        except (TypeError, ValueError):
            if known:
                raise
            found = None
        if isinstance(found, Optimizer):
            return found
    raise ValueError(f"Could not interpret optimizer identifier: {identifier}")


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
