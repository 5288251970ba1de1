"""Which objects of a model have weights, and under which paths a file stores them.

A path is made of attribute names: `layers/conv2d_1`, `layers/bidirectional/forward_layer/cell`,
`blocks/dense`, `optimizer`. Members of a list are named after their class and numbered; the
attributes of an object come in alphabetical order, private ones last; an object that was met
already is not visited again.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from convnet.naming import to_snake_case


def has_weights(obj: Any) -> bool:
    """Says whether an object is one that stores variables of its own: a layer or an optimizer.

    Args:
        obj: Any object.
    """
    return hasattr(obj, "save_own_variables") and not isinstance(obj, type)


def children(saveable: Any) -> Iterator[tuple[str, Any]]:
    """Gives the attributes of an object that may lead to weights, with their names.

    Args:
        saveable: A layer, model or optimizer.
    """
    models = _models()
    if isinstance(saveable, (models.Functional, models.Sequential)):
        yield "layers", saveable.layers
    for name in sorted(_attribute_names(saveable), key=_private_last):
        with suppress(Exception):  # a property may not be ready to be read
            child = getattr(saveable, name)
            if has_weights(child) or isinstance(child, (list, tuple, dict)):
                yield name, child


def members(container: Any) -> Iterator[tuple[str, Any]]:
    """Gives the members of a list, tuple or dictionary that may lead to weights, with their names.

    Args:
        container: The list, tuple or dictionary.

    Example:

    >>> [name for name, _ in members([[], "text", ()])]
    ['container', 'container_1']
    """
    used: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        if has_weights(item):
            name = to_snake_case(type(item).__name__)
        elif isinstance(item, (list, tuple, dict)):
            name = "container"
        else:
            continue
        count = used[name] = used.get(name, -1) + 1
        yield (f"{name}_{count}" if count else name), item


def join(path: str, name: str) -> str:
    """Appends a name to a path; the model's own path is empty.

    Args:
        path: The path.
        name: The name.
    """
    return f"{path}/{name}" if path else name


def _private_last(name: str) -> str:
    return f"~{name}" if name.startswith("_") else name


def _attribute_names(saveable: Any) -> set[str]:
    cls = type(saveable)
    own = next(base for base in cls.__mro__ if base.__module__.startswith(("convnet.", "builtins")))
    names = set(vars(saveable)) | (set(dir(cls)) - set(dir(own)))
    if isinstance(saveable, _models().Model):
        names.add("layers")
    return {name for name in names if not name.startswith("__")} - _own_attributes(own)


@functools.cache
def _own_attributes(cls: type) -> frozenset[str]:
    """The attributes by which convnet itself keeps track of layers."""
    from convnet.layers import Layer

    sequential = _models().Sequential
    base = sequential(name="model") if issubclass(cls, sequential) else Layer(name="layer")
    return frozenset(vars(base)) - {"optimizer"}


@functools.cache
def _models() -> Any:
    import convnet.models

    return convnet.models
