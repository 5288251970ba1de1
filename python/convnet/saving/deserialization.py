"""Keras's JSON form to objects. Nothing that a file names is imported or evaluated."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from convnet.saving import class_table, dialects
from convnet.saving.object_registry import (
    CustomObjectScope,
    get_registered_object,
    known_custom_objects,
)
from convnet.symbolic import KerasTensor

Json = Any
Objects = Mapping[str, Any]

# Layers whose state is code, a pickle or a path to another file.
REFUSED = frozenset({"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})

_shared: ContextVar[dict[int, Any] | None] = ContextVar("shared", default=None)


@contextmanager
def sharing_objects() -> Iterator[None]:
    """Lets configs with the same shared id become one object inside the block."""
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


def deserialize_keras_object(
    config: Json,
    custom_objects: Objects | None = None,
    safe_mode: bool = True,
    module_objects: Objects | None = None,
) -> Any:
    """Makes the object that a config describes.

    Names are looked up among registered objects, in the open `custom_object_scope`, in
    `custom_objects` and in the table of convnet's own classes, and nowhere else.

    Args:
        config: What `serialize_keras_object` returned, or a part of a file of Keras 2 or 3.
        custom_objects: Further classes and functions by name.
        safe_mode: Accepted for compatibility. Code in a config is refused either way.
        module_objects: Further classes and functions by name, looked up last.

    Raises:
        TypeError: If a name is not known, or the config has an impossible form.
        ValueError: If the config holds code, or a path to load more from.

    Example:

    >>> deserialize_keras_object({"class_name": "__bytes__", "config": {"value": "ab"}})
    b'ab'
    """
    known = {**(module_objects or {}), **known_custom_objects(custom_objects)}
    return _deserialize(config, known)


def _deserialize(config: Json, known: Objects) -> Any:
    if config is None:
        return None
    if isinstance(config, str):
        return known.get(config, config)
    if isinstance(config, int | float | bool):
        return config
    if isinstance(config, list | tuple):
        return [_deserialize(item, known) for item in config]
    if not isinstance(config, dict):
        raise TypeError(f"Could not parse config: {config}")
    if "class_name" not in config or "config" not in config:
        return {key: _deserialize(value, known) for key, value in config.items()}
    name = config["class_name"]
    if not isinstance(name, str):
        raise TypeError(f"Expected 'class_name' to be a str. Received: {name}")
    if name.startswith("__"):
        return _special(name, config["config"], known)
    if name == "function":
        return _function(config, known)
    return _instance(name, config, known)


def _special(name: str, config: Json, known: Objects) -> Any:
    if name in ("__lambda__", "__typespec__"):
        raise ValueError(
            f"The file holds a Python object of the kind {name}, which only running code from the "
            "file could restore. convnet never does that. Replace the lambda by a named function "
            "in the program that saved the model, or pass `custom_objects`."
        )
    if not isinstance(config, dict):
        raise TypeError(f"Expected 'config' to be a dict for {name}. Received: {config}")
    if name == "__keras_tensor__":
        tensor: Any = KerasTensor(config["shape"], dtype=config["dtype"])
        tensor._pre_serialization_keras_history = config["keras_history"]
        return tensor
    if name in ("__tensor__", "__numpy__"):
        return np.array(config["value"], dtype=np.dtype(_number_type(config["dtype"])))
    if name == "__bytes__":
        return config["value"].encode("utf-8")
    if name == "__ellipsis__":
        return Ellipsis
    if name == "__slice__":
        return slice(*(_deserialize(config[key], known) for key in ("start", "stop", "step")))
    raise TypeError(f"Could not parse config of the unknown kind {name}.")


def _number_type(name: Json) -> str:
    kinds = ("float", "int", "uint", "bool")
    if not isinstance(name, str) or name.rstrip("0123456789") not in kinds:
        raise ValueError(f"Expected the name of a number type. Received: {name}")
    return name


def _function(config: dict[str, Json], known: Objects) -> Any:
    name = config["config"]
    if not isinstance(name, str):
        raise TypeError(f"Expected 'config' to be a str for a function. Received: {name}")
    found = known.get(name)
    if found is None and config.get("module") is not None:
        package = str(config["module"]).split(".")[0]
        if package == "builtins" or package in class_table.KERAS_PACKAGES:
            found = class_table.find_function(name)
            if found is None:  # Keras up to 3.6 left the package out of custom names
                found = next((f for key, f in known.items() if key.endswith(f">{name}")), None)
    if found is None:
        raise _not_located("function", name, config)
    return found


def _instance(name: str, config: dict[str, Json], known: Objects) -> Any:
    inner = {} if config["config"] is None else config["config"]
    shared = _shared.get()
    shared_id = config.get("shared_object_id")
    if shared is not None and isinstance(shared_id, int) and shared_id in shared:
        return shared[shared_id]
    cls, inner = _class_and_config(name, config, inner, known)
    if not inspect.isclass(cls):
        return cls
    from_config = getattr(cls, "from_config", None)
    if from_config is None:
        raise TypeError(
            f"Unable to reconstruct an instance of '{name}' because the class is missing a "
            f"`from_config()` method. Full object config: {config}"
        )
    with CustomObjectScope(known):
        instance = from_config(inner)
        if config.get("build_config") and not getattr(instance, "built", True):
            instance.build_from_config(config["build_config"])
            instance.built = True
        if config.get("compile_config"):
            instance.compile_from_config(config["compile_config"])
    if shared is not None and isinstance(shared_id, int):
        shared[shared_id] = instance
    return instance


def _class_and_config(
    name: str, config: dict[str, Json], inner: Json, known: Objects
) -> tuple[Any, Json]:
    module = config.get("module")
    registered = config.get("registered_name") or name
    custom = get_registered_object(registered, known)
    if custom is not None:
        if not isinstance(inner, dict):
            raise TypeError(f"Expected 'config' to be a dict for {name}. Received: {inner}")
        return custom, dict(inner)
    if name in REFUSED or (name == "Lambda" and _holds_code(inner)):
        raise ValueError(
            f"The file holds a layer of the class {name}, which only code or another file could "
            "restore. convnet never runs code from a file. Pass "
            f"`custom_objects={{'{name}': YourLayer}}` to put a class of yours in its place."
        )
    if module is not None and not isinstance(module, str):
        raise TypeError(f"Expected 'module' to be a str. Received: {module}")
    name, module, inner = dialects.modernize(name, module, inner)
    cls = class_table.find_class(module, name)
    if cls is None:
        raise _not_located("class", name, config)
    return cls, inner


def _holds_code(config: Json) -> bool:
    function = config.get("function") if isinstance(config, dict) else None
    return not (isinstance(function, dict) and function.get("class_name") == "function")


def _not_located(kind: str, name: str, config: Json) -> TypeError:
    return TypeError(
        f"Could not locate {kind} '{name}'. Make sure custom classes and functions are decorated "
        "with `@convnet.saving.register_keras_serializable()`. If they are already decorated, "
        "make sure they are all imported so that the decorator is run before trying to load them. "
        f"Full object config: {config}"
    )
