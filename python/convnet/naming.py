"""Names of layers and variables: automatic numbering and the scopes that make up a path."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from convnet.dtype_policies import set_dtype_policy

_used: Counter[str] = Counter()
_scopes = threading.local()


def to_snake_case(name: str) -> str:
    """Spell a class name as a layer name.

    >>> [to_snake_case(name) for name in ("Conv2D", "MaxPooling2D", "LSTMCell", "ReLU")]
    ['conv2d', 'max_pooling2d', 'lstm_cell', 're_lu']
    """
    name = re.sub(r"\W+", "", name)
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


def auto_name(class_name: str) -> str:
    """A fresh name for an object of a class: `dense`, then `dense_1`, `dense_2`, ..."""
    prefix = to_snake_case(class_name)
    count = _used[prefix]
    _used[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def clear_session(free_memory: bool = True) -> None:
    """Restart the automatic numbering of names, and make the global dtype policy float32 again.

    Args:
        free_memory: Accepted for compatibility; memory is freed with the objects that own it.

    >>> clear_session()
    >>> auto_name("Dense"), auto_name("Dense")
    ('dense', 'dense_1')
    """
    _used.clear()
    set_dtype_policy("float32")


def current_path() -> str:
    """The open name scopes, joined by slashes."""
    return "/".join(_open_scopes())


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Prefix the path of every variable made inside with `name`."""
    scopes = _open_scopes()
    if scopes and scopes[-1] == name:  # a layer re-enters its own scope when it builds itself
        yield
        return
    scopes.append(name)
    try:
        yield
    finally:
        scopes.pop()


def _open_scopes() -> list[str]:
    if not hasattr(_scopes, "names"):
        _scopes.names = []
    names: list[str] = _scopes.names
    return names
