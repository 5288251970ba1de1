"""The classes and functions that a file may name: convnet's own, in a fixed table.

A config names a Python module and a class. The module only chooses the shelf to look on (layers,
optimizers, ...); it is never imported and its attributes are never followed.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

# Shelf: convnet's package, and Keras's public module that files name for it.
SHELVES = {
    "layers": ("convnet.layers", "keras.layers"),
    "initializers": ("convnet.initializers", "keras.initializers"),
    "regularizers": ("convnet.regularizers", "keras.regularizers"),
    "constraints": ("convnet.constraints", "keras.constraints"),
    "schedules": ("convnet.optimizers.schedules", "keras.optimizers.schedules"),
    "optimizers": ("convnet.optimizers", "keras.optimizers"),
    "losses": ("convnet.losses", "keras.losses"),
    "metrics": ("convnet.metrics", "keras.metrics"),
}
FUNCTION_PACKAGES = ("convnet.activations", "convnet.losses", "convnet.metrics")
NO_MODELING = frozenset({"deserialize", "get", "serialize"})
FUNCTIONAL_MODULE = "keras.src.models.functional"

# Packages that a class of Keras may be said to come from.
KERAS_PACKAGES = frozenset({"keras", "keras_core", "tf_keras", "tensorflow"})


def find_class(module: str | None, name: str) -> type | None:
    """Gives convnet's class for a class of Keras, or `None`.

    Args:
        module: The module in the config; `None` searches layers and models, as in files of
            Keras 2, which name none.
        name: The class's name.
    """
    shelf = _shelf_of(module) if module else "layers"
    if shelf == "ops":
        return _operations().get(name)
    found = _classes().get((shelf, name)) if shelf else None
    if found is None and (module is None or shelf == "optimizers"):
        found = _classes().get(("models" if module is None else "schedules", name))
    return found


def find_function(name: str) -> Any:
    """Gives convnet's activation, loss or metric function of that name, or `None`.

    Args:
        name: The function's name, or one of Keras's short names such as `mse`.
    """
    return _functions().get(name)


def public_name(cls: type) -> tuple[str, str] | None:
    """Gives the module and the name by which Keras's files call a class; `None` for a user's.

    Args:
        cls: A class.
    """
    return _public_names().get(cls)


def _shelf_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] not in KERAS_PACKAGES:
        return None
    shelves = [part for part in parts if part in SHELVES or part == "ops"]
    if shelves:
        return "schedules" if "schedules" in shelves else shelves[0]
    return "models"


@functools.cache
def _classes() -> dict[tuple[str, str], type]:
    table: dict[tuple[str, str], type] = {}
    for shelf, (package, _) in SHELVES.items():
        for name, obj in vars(importlib.import_module(package)).items():
            if not name.startswith("_") and _is_own_class(obj):
                table[shelf, name] = obj
    models = importlib.import_module("convnet.models")
    policies = importlib.import_module("convnet.dtype_policies")
    for cls in (models.Functional, models.Model, models.Sequential, policies.DTypePolicy):
        table["models", cls.__name__] = cls
    return table


def _is_own_class(obj: Any) -> bool:
    return (
        inspect.isclass(obj)
        and obj.__module__.startswith("convnet.")
        and hasattr(obj, "get_config")
        and hasattr(obj, "from_config")
    )


@functools.cache
def _public_names() -> dict[type, tuple[str, str]]:
    names: dict[type, tuple[str, str]] = {}
    for (shelf, name), cls in _classes().items():
        if shelf != "models" and name == cls.__name__:
            names.setdefault(cls, (SHELVES[shelf][1], name))
    for name in ("Model", "Sequential", "DTypePolicy"):
        names[_classes()["models", name]] = ("keras", name)
    return names


def _operations() -> dict[str, Any]:
    from convnet.ops.operation import OPERATIONS

    return dict(OPERATIONS)


@functools.cache
def _functions() -> dict[str, Any]:
    table: dict[str, Any] = {}
    for package in reversed(FUNCTION_PACKAGES):
        module = importlib.import_module(package)
        for name, obj in {**module.ALL_OBJECTS_DICT, **vars(module)}.items():
            if inspect.isfunction(obj) and name not in NO_MODELING:
                table[name] = obj
    return table
