"""The user's own classes and functions, by the names under which files mention them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scope: ContextVar[Mapping[str, Any] | None] = ContextVar("custom_objects", default=None)


class CustomObjectScope:
    """Makes custom classes and functions known to the loading functions inside a `with` block.

    The scope belongs to the thread (or task) that opened it, and hides an outer one.

    Args:
        custom_objects: Classes and functions by the names that configs use.

    Example:

    >>> def leaky(x):
    ...     return x
    >>> with CustomObjectScope({"leaky": leaky}):
    ...     get_registered_object("leaky") is leaky
    True
    >>> get_registered_object("leaky") is None
    True
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> CustomObjectScope:
        self._token = _scope.set(self.custom_objects)
        return self

    def __exit__(self, *exc_info: object) -> None:
        _scope.reset(self._token)


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """Gives the live dictionary of globally registered objects.

    Example:

    >>> def leaky(x):
    ...     return x
    >>> get_custom_objects()["leaky"] = leaky
    >>> get_registered_object("leaky") is leaky
    True
    >>> del get_custom_objects()["leaky"]
    """
    return _registered


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Registers a class or function, so that models which use it can be saved and loaded.

    Args:
        package: First half of the registered name `package>name`.
        name: Second half; `None` means the object's own name.

    Returns:
        A decorator that gives its argument back.

    Raises:
        ValueError: If a class has no `get_config`.

    Example:

    >>> @register_keras_serializable("my_package")
    ... def leaky(x):
    ...     return x
    >>> get_registered_name(leaky)
    'my_package>leaky'
    """

    def decorator(obj: T) -> T:
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError("Cannot register a class that does not have a get_config() method.")
        registered_name = f"{package}>{name if name is not None else obj.__name__}"  # type: ignore[attr-defined]
        _registered[registered_name] = obj
        _names[obj] = registered_name
        return obj

    return decorator


def get_registered_name(obj: Any) -> str:
    """Gives the name under which a class or function is registered, else its own name.

    Args:
        obj: A class or function.

    Example:

    >>> get_registered_name(int)
    'int'
    """
    return _names.get(obj) or str(obj.__name__)


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Gives the class or function known under `name`, or `None`.

    Looked up in the open `custom_object_scope`, among the registered objects, in
    `custom_objects` and in `module_objects`, in this order.

    Args:
        name: The name in a config.
        custom_objects: Further objects by name.
        module_objects: Further objects by name.

    Example:

    >>> get_registered_object("relu6", custom_objects={"relu6": abs})
    <built-in function abs>
    """
    for known in (_scope.get(), _registered, custom_objects, module_objects):
        if known and name in known:
            return known[name]
    return None


def known_custom_objects(custom_objects: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Joins `custom_objects`, the open scope and the registered objects; the later win.

    Args:
        custom_objects: Further objects by name.
    """
    return {**(custom_objects or {}), **(_scope.get() or {}), **_registered}
