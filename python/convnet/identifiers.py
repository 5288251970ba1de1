"""Turns a name, a config, a class or an object into an object: the `get` of losses, metrics, ..."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from convnet.naming import to_snake_case
from convnet.saving.object_registry import CustomObjectScope, get_registered_object

Table = dict[str, Callable[..., Any]]


def table_of(objects: Iterable[Callable[..., Any]], aliases: Table | None = None) -> Table:
    """Gives the names under which `objects` are found: their own, in snake case, and aliases.

    Args:
        objects: Classes and functions.
        aliases: Further names.

    Example:

    >>> sorted(table_of([Exception], {"oops": Exception}))
    ['Exception', 'exception', 'oops']
    """
    table: Table = {}
    for item in objects:
        table[item.__name__] = item
        table[to_snake_case(item.__name__)] = item
    return table | (aliases or {})


def serialize(obj: Any) -> Any:
    """Gives the JSON form in which Keras stores `obj`.

    Args:
        obj: An object with `get_config`, or a function.
    """
    from convnet.saving import serialization

    return serialization.serialize_keras_object(obj)


def deserialize(config: Any, table: Table, custom_objects: dict[str, Any] | None = None) -> Any:
    """Builds the object that a name or a config describes.

    The name is looked up among registered objects, in `custom_objects` and in `table`; no module
    named in a config is ever imported.

    Args:
        config: A name or `{"class_name": ..., "config": {...}}`, in the style of Keras 2 or 3.
        table: The names known.
        custom_objects: Further classes and functions by name.

    Raises:
        ValueError: If the name is not known.
    """
    found, inner = _look_up(config, table, custom_objects)
    if found is None:
        raise ValueError(
            f"Could not locate the class or function of {config}. Make sure custom classes and "
            "functions are decorated with `@convnet.saving.register_keras_serializable()`."
        )
    if not inspect.isclass(found):
        return found
    with CustomObjectScope(custom_objects):
        return found.from_config(inner)  # type: ignore[attr-defined]


def resolve(identifier: Any, table: Table, kind: str) -> Any:
    """Gives the object or function that `identifier` means; None for None.

    Args:
        identifier: None, a name, a config, a class or a callable object.
        table: The names known.
        kind: What is looked for, for the error: "loss", "metric", ...

    Raises:
        ValueError: If nothing is known under that name, or it is not callable.
    """
    if identifier is None:
        return None
    found = identifier
    if isinstance(identifier, str | dict):
        known = _look_up(identifier, table)[0] is not None
        found = deserialize(identifier, table) if known else None
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        raise ValueError(f"Could not interpret {kind} identifier: {identifier}")
    return found


def _look_up(
    config: Any, table: Table, custom_objects: dict[str, Any] | None = None
) -> tuple[Any, dict[str, Any]]:
    """Gives the class or function that a config names, or None, and the class's arguments."""
    name, inner = config, None
    if isinstance(config, dict):
        name, inner = config.get("class_name"), config.get("config")
        if name == "function":
            name = inner
    registered = config.get("registered_name") if isinstance(config, dict) else None
    for key in (registered, name):
        found = get_registered_object(str(key), custom_objects, table)
        if found is not None:
            return found, dict(inner) if isinstance(inner, dict) else {}
    return None, {}
