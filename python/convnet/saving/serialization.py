"""Objects to Keras 3's JSON form."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from convnet.saving import class_table
from convnet.saving.deserialization import deserialize_keras_object
from convnet.saving.object_registry import get_registered_name
from convnet.symbolic import KerasTensor
from convnet.variables import Variable

__all__ = ["deserialize_keras_object", "serialize_keras_object", "shared_object_ids"]

Json = Any

# Objects met while one model is written, with their configs; the object is kept so that no other
# can take its id.
_met: ContextVar[dict[int, tuple[Any, dict[str, Json]]] | None] = ContextVar("met", default=None)


@contextmanager
def shared_object_ids() -> Iterator[None]:
    """Marks objects that are serialised more than once inside the block with one shared id."""
    token = _met.set({})
    try:
        yield
    finally:
        _met.reset(token)


def serialize_keras_object(obj: Any) -> Json:
    """Gives the JSON form in which Keras 3 stores an object.

    Args:
        obj: A layer, model, optimizer, loss, metric, initializer or other object with a
            `get_config`; a named function; a tensor; a plain value; or lists, tuples and
            dictionaries of these.

    Raises:
        ValueError: For a `lambda`: its code is never written to a file.
        TypeError: If an object has no `get_config`, or that does not return a dictionary.

    Example:

    >>> serialize_keras_object({"axes": (1, 2), "dtype": np.float32(2)})
    {'axes': (1, 2), 'dtype': 2.0}
    """
    if obj is None or isinstance(obj, str | int | float | bool):
        return obj
    if isinstance(obj, list | tuple):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, dict):
        return _serialize_dict(obj)
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, types.FunctionType):
        return _serialize_function(obj)
    return _serialize_instance(obj)


def _serialize_dict(values: Mapping[str, Any]) -> dict[str, Json]:
    return {key: serialize_keras_object(value) for key, value in values.items()}


def _serialize_special(obj: Any) -> Json:
    if isinstance(obj, bytes):
        return _special("bytes", value=obj.decode("utf-8"))
    if isinstance(obj, slice):
        parts = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return _special("slice", **_serialize_dict(parts))
    if obj is Ellipsis:
        return _special("ellipsis")
    if isinstance(obj, KerasTensor):
        operation, node, tensor = obj._keras_history
        history = [operation.name, node, tensor] if operation is not None else None
        return _special("keras_tensor", shape=obj.shape, dtype=obj.dtype, keras_history=history)
    if isinstance(obj, Variable):
        return _special("tensor", value=obj.numpy().tolist(), dtype=obj.dtype)
    if isinstance(obj, np.ndarray) and obj.ndim > 0:
        return _special("numpy", value=obj.tolist(), dtype=obj.dtype.name)
    return None


def _special(kind: str, **config: Json) -> dict[str, Json]:
    return {"class_name": f"__{kind}__", "config": config}


def _serialize_function(function: types.FunctionType) -> dict[str, Json]:
    name = get_registered_name(function)
    if name == "<lambda>":
        raise ValueError(
            "A lambda cannot be saved: its code would have to be stored in the file and run when "
            "the file is loaded. Define a named function and register it with "
            "`@convnet.saving.register_keras_serializable()`."
        )
    if class_table.find_function(function.__name__) is function:
        return {
            "module": "builtins",
            "class_name": "function",
            "config": function.__name__,
            "registered_name": "function",
        }
    return _record(
        function,
        {
            "module": function.__module__,
            "class_name": "function",
            "config": name,
            "registered_name": name,
        },
    )


def _serialize_instance(obj: Any) -> dict[str, Json]:
    if not hasattr(obj, "get_config"):
        raise TypeError(
            f"Cannot serialize object {obj} of type {type(obj)}. "
            "To be serializable, a class must implement the `get_config()` method."
        )
    inner = obj.get_config()
    if not isinstance(inner, dict):
        raise TypeError(
            f"The `get_config()` method of {obj} should return a dict. It returned: {inner}"
        )
    config = {**_identity(type(obj)), "config": _serialize_dict(inner)}
    config["registered_name"] = config.pop("registered_name")  # the order in Keras's files
    for key in ("build_config", "compile_config"):
        values = getattr(obj, f"get_{key}", lambda: None)()
        if values is not None:
            config[key] = _serialize_dict(values)
    return _record(obj, config)


def _identity(cls: type) -> dict[str, Json]:
    public = class_table.public_name(cls)
    if public is not None:
        (module, name), registered = public, None
    elif hasattr(cls, "keras_module"):  # an op in a functional model
        module, name, registered = cls.keras_module, cls.__name__, cls.__name__
    elif cls.__name__ == "Functional" and cls.__module__.startswith("convnet."):
        module, name, registered = class_table.FUNCTIONAL_MODULE, "Functional", "Functional"
    else:
        module, name, registered = cls.__module__, cls.__name__, get_registered_name(cls)
    return {"module": module, "class_name": name, "registered_name": registered}


def _record(obj: Any, config: dict[str, Json]) -> dict[str, Json]:
    if config["module"] == "__main__":
        config["module"] = None
    met = _met.get()
    if met is not None:
        if id(obj) in met:
            first = met[id(obj)][1]
            config["shared_object_id"] = first.setdefault("shared_object_id", len(met))
        else:
            met[id(obj)] = (obj, config)
    return config
